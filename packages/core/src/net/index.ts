/** `@dotmac/core/net`: the one guarded connector through which every outbound socket goes. */
export { canonicalHost } from './canonical-host.js';
export type { CanonicalHost } from './canonical-host.js';
export { publicOnly } from './policy.js';
export type { EgressPolicy, EgressRule } from './policy.js';
export { compilePolicy, judgeAddress } from './judge-address.js';
export type { CompiledPolicy, DenyReason, Verdict } from './judge-address.js';
export { ConnectFailure, connectFailureOf, isConnectFailure } from './connect-failure.js';
export type { ConnectFailureCode } from './connect-failure.js';
export { createResolver } from './resolve.js';
export type { Resolver, ResolverOptions } from './resolve.js';
export { createConnector } from './connect.js';
export type { Connection, Connector, ConnectorOptions, ConnectOptions, ConnectTls } from './connect.js';
export { mysqlStream, pgStream, redisConnector } from './connected-stream.js';
export { parseConnectionString } from './parse-connection-string.js';
export type { ConnectionTarget } from './parse-connection-string.js';
