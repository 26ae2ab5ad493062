import { startDaemon, type Daemon } from './daemon.js';

/** What this server and its clients have in common. */
export const sharedSecret = 'xyzzy5461';

const attributes = (user: string, more: string) => `
    if (&User-Name == "${user}") {
      ${more}
    }`;
const knowing = (password: string) => `update control { &Cleartext-Password := "${password}" }`;

/** FreeRADIUS with users nemo (arctangent), long and a challenged one. `rejectDelay` in seconds. */
export function freeradius({ rejectDelay = 0 }: { rejectDelay?: number } = {}): Promise<Daemon> {
  return startDaemon('freeradius', 'Ready to process requests', ({ folder, port }) => ({
    words: ['-f', '-l', 'stdout', '-d', folder, '-D', '/usr/share/freeradius', '-n', 'radiusd'],
    files: {
      dictionary: '',
      'radiusd.conf': `
name = radiusd
logdir = ${folder}
run_dir = ${folder}
libdir = /usr/lib/freeradius
pidfile = ${folder}/radiusd.pid
max_request_time = 30
cleanup_delay = 5
max_requests = 1024
security {
  reject_delay = ${rejectDelay}
  status_server = yes
}
modules {
  pap {
  }
  chap {
  }
  always handled {
    rcode = handled
  }
}
client test {
  ipaddr = 127.0.0.1
  secret = ${sharedSecret}
  require_message_authenticator = yes
}
server default {
  listen {
    type = auth
    ipaddr = 127.0.0.1
    port = ${port}
  }
  authorize {
    ${attributes('nemo', `${knowing('arctangent')} update reply { &Reply-Message := "Welcome, nemo" }`)}
    ${attributes('long', knowing('p'.repeat(120)))}
    ${attributes('challenged', 'update control { &Auth-Type := Challenge }')}
    chap
    pap
  }
  authenticate {
    Auth-Type PAP {
      pap
    }
    Auth-Type CHAP {
      chap
    }
    Auth-Type Challenge {
      update control { &Response-Packet-Type := Access-Challenge }
      handled
    }
  }
}
`,
    },
  }));
}
