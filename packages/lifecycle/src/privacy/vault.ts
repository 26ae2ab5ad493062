import { randomBytes } from 'node:crypto';
import { createSealer, type Sealer, type StoreTransaction } from '@dotmac/core';
import type { HistoryEntry, LifecycleStore } from '../store/store.js';
import { personalOf, withoutPersonal, withPersonal } from './personal.js';

/** Opens the keys that customers' personal data are sealed with. */
export interface Vault {
  /** A new random key, sealed under the host's secret for this customer. */
  newKey(tenantId: string, customerId: string): string;
  /** What seals with a customer's key; undefined when the secret that it is sealed under is not known any more. */
  open(tenantId: string, customerId: string, key: string): Sealer | undefined;
}

/** @throws INVALID_ARGUMENT for a secret shorter than 32 characters, and for none */
export function createVault(secrets: readonly string[]): Vault {
  const sealer = createSealer(secrets, 'dotmac lifecycle customer key');
  return {
    newKey: (tenantId, customerId) => sealer.seal(randomBytes(32).toString('base64url'), [tenantId, customerId]),
    open(tenantId, customerId, key) {
      const opened = sealer.unseal(key, [tenantId, customerId]);
      return opened === undefined ? undefined : createSealer([opened], 'dotmac lifecycle customer data');
    },
  };
}

/** What JSON never begins with. */
const mark = 'sealed:';

interface With {
  store: LifecycleStore;
  vault: Vault | undefined;
}

/**
 * History is only ever added to: what is personal in it is sealed with the customer's own key, so that it is gone once
 * the key is. The key is made when there is first something to seal. A host without a lasting secret has no keys: then
 * an erasure rewrites the history.
 */
export async function sealEntries(
  { store, vault }: With,
  tenantId: string,
  customerId: string,
  entries: readonly HistoryEntry[],
  trx: StoreTransaction,
): Promise<readonly HistoryEntry[]> {
  if (!vault || entries.every(({ event }) => personalOf(event) === undefined)) return entries;
  const { privacy } = store.tenant(tenantId);
  const kept = await privacy.keepKey(customerId, () => vault.newKey(tenantId, customerId), trx);
  return sealedWith(vault.open(tenantId, customerId, kept), customerId, entries);
}

/** The same outside a transaction; undefined when there is something to seal and no key for it yet. */
export async function sealWithKeptKey(
  { store, vault }: With,
  tenantId: string,
  customerId: string,
  entries: readonly HistoryEntry[],
): Promise<readonly HistoryEntry[] | undefined> {
  if (!vault || entries.every(({ event }) => personalOf(event) === undefined)) return entries;
  const kept = await store.tenant(tenantId).privacy.key(customerId);
  return kept === undefined ? undefined : sealedWith(vault.open(tenantId, customerId, kept), customerId, entries);
}

function sealedWith(
  sealer: Sealer | undefined,
  customerId: string,
  entries: readonly HistoryEntry[],
): readonly HistoryEntry[] {
  // Sealed under a secret that was taken away: an erasure finds this, too.
  if (!sealer) return entries;
  return entries.map((entry) => {
    const fields = personalOf(entry.event);
    if (!fields) return entry;
    const sealed = sealer.seal(JSON.stringify(fields), [customerId, entry.event.id]);
    return { ...entry, event: withoutPersonal(entry.event), sealed };
  });
}

/** The entries with what was sealed in them, as far as there is a key for it. */
export async function openEntries(
  { store, vault }: With,
  tenantId: string,
  customerId: string,
  entries: readonly HistoryEntry[],
  trx?: StoreTransaction,
): Promise<readonly HistoryEntry[]> {
  if (!vault || entries.every(({ sealed }) => sealed === undefined)) return entries;
  const key = await store.tenant(tenantId).privacy.key(customerId, trx);
  const sealer = key === undefined ? undefined : vault.open(tenantId, customerId, key);
  if (!sealer) return entries;
  return entries.map(({ sealed, ...entry }) => {
    const opened = sealed === undefined ? undefined : sealer.unseal(sealed, [customerId, entry.event.id]);
    if (opened === undefined) return entry;
    return { ...entry, event: withPersonal(entry.event, JSON.parse(opened) as Record<string, unknown>) };
  });
}

/** A customer whose text is sealed. */
interface Whose {
  tenantId: string;
  customerId: string;
}

/** Text sealed with the customer's key, which is made if there is none; as it is where the host has no lasting secret. */
export async function sealText(
  { store, vault }: With,
  { tenantId, customerId }: Whose,
  text: string,
  binding: string,
  trx: StoreTransaction,
): Promise<string> {
  if (!vault) return text;
  const { privacy } = store.tenant(tenantId);
  const kept = await privacy.keepKey(customerId, () => vault.newKey(tenantId, customerId), trx);
  const sealer = vault.open(tenantId, customerId, kept);
  return sealer ? `${mark}${sealer.seal(text, [customerId, binding])}` : text;
}

/** What {@link sealText} sealed; undefined when the key is gone. */
export async function openText(
  { store, vault }: With,
  { tenantId, customerId }: Whose,
  text: string,
  binding: string,
  trx?: StoreTransaction,
): Promise<string | undefined> {
  if (!text.startsWith(mark)) return text;
  const key = vault && (await store.tenant(tenantId).privacy.key(customerId, trx));
  const sealer = key === undefined ? undefined : vault?.open(tenantId, customerId, key);
  return sealer?.unseal(text.slice(mark.length), [customerId, binding]);
}
