/** `dotmac_customer_terms`: what customers are found by. */
export interface TermRow {
  tenant_id: string;
  kind: string;
  term: string;
  /** The customer's, so that what is found is in its order. */
  created_at: number;
  customer_id: string;
}

/** `dotmac_customer_feeds`: the last position that a tenant's events were given. */
export interface FeedRow {
  tenant_id: string;
  last_position: number;
}
