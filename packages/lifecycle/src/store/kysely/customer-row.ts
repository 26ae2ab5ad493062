import { fromFlag, fromJson, numberOrNull, toFlag, toJson } from '@dotmac/core/kysely';
import type { Approval, Block, Customer } from '../../customers/customer.js';
import type { Stage } from '../../customers/stage.js';
import { nameKey } from '../name-key.js';
import type { CustomerRow } from './tables.js';

/** A customer as a row. */
export function customerRow(customer: Customer): CustomerRow {
  return {
    tenant_id: customer.tenantId,
    id: customer.id,
    version: customer.version,
    stage: customer.stage,
    churning_from: customer.churningFrom,
    approval: customer.approval,
    external_id: customer.externalId,
    username: customer.username,
    username_key: nameKey(customer.username),
    email: customer.email,
    email_key: nameKey(customer.email),
    first_name: customer.firstName,
    last_name: customer.lastName,
    user_type: customer.userType,
    phone: customer.phone,
    registration_source: customer.registrationSource,
    referral_code: customer.referralCode,
    terms_accepted_at: customer.termsAcceptedAt,
    marketing_consent: toFlag(customer.marketingConsent),
    attributes: toJson(customer.attributes),
    onboarding_data: toJson(customer.onboardingData),
    blocks: toJson(customer.blocks),
    email_verified_at: customer.emailVerifiedAt,
    phone_verified_at: customer.phoneVerifiedAt,
    erased_at: customer.erasedAt,
    created_at: customer.createdAt,
    updated_at: customer.updatedAt,
  };
}

/** What is read of a customer: all but what only finds it. */
export type KeptCustomerRow = Omit<CustomerRow, 'username_key' | 'email_key'>;

/** What every kept reason has. */
type OldBlock = Omit<Block, 'severity' | 'promisedUntil'>;

/** A row as a customer. Drivers disagree on how they give large integers: every number goes through Number. */
export function customerOf(row: KeptCustomerRow): Customer {
  return {
    id: row.id,
    tenantId: row.tenant_id,
    version: Number(row.version),
    stage: row.stage as Stage,
    churningFrom: row.churning_from as Stage | null,
    approval: row.approval as Approval,
    externalId: row.external_id,
    username: row.username,
    email: row.email,
    firstName: row.first_name,
    lastName: row.last_name,
    userType: row.user_type,
    phone: row.phone,
    registrationSource: row.registration_source,
    referralCode: row.referral_code,
    termsAcceptedAt: Number(row.terms_accepted_at),
    marketingConsent: fromFlag(row.marketing_consent),
    attributes: fromJson<Record<string, unknown>>(row.attributes),
    onboardingData: fromJson<Record<string, unknown>>(row.onboarding_data),
    // Reasons that were opened before there was a choice have neither.
    blocks: fromJson<(Partial<Block> & OldBlock)[]>(row.blocks).map((block) => {
      return { severity: 'suspend', promisedUntil: null, ...block };
    }),
    emailVerifiedAt: numberOrNull(row.email_verified_at),
    phoneVerifiedAt: numberOrNull(row.phone_verified_at),
    erasedAt: numberOrNull(row.erased_at),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
  };
}
