/** A customer that an operation cannot get past, and since when (epoch ms). */
export interface Standstill {
  customerId: string;
  since: number;
}
