/** `dotmac_command_answers`. */
export interface AnswerRow {
  tenant_id: string;
  key_hash: string;
  fingerprint: string;
  customer_id: string | null;
  answer: string | null;
  keep_until: number;
}
