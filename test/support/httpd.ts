// A real Apache httpd (Debian's apache2) as balancer in front of Tomcats: its own configuration, started and stopped by pid.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { endsWithUs } from "./ends-with-us.ts";

export interface HttpdMember {
  readonly route: string;
  /** "ajp://127.0.0.1:8009" */
  readonly url: string;
}

export class RealHttpd {
  readonly #members: readonly HttpdMember[];
  readonly #address: string;
  readonly #port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), "tomcat-cluster-httpd-"));
  #process: ChildProcess | undefined;

  constructor(address: string, port: number, members: readonly HttpdMember[]) {
    this.#address = address;
    this.#port = port;
    this.#members = members;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  async start(): Promise<void> {
    writeFileSync(join(this.#folder, "httpd.conf"), this.#configuration());
    let output = "";
    const args = [...endsWithUs("SIGTERM"), "/usr/sbin/apache2", "-f", join(this.#folder, "httpd.conf"), "-D", "FOREGROUND"];
    const child = spawn("setpriv", args, {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#process = child;
    const collect = (data: Buffer) => {
      output = (output + data.toString()).slice(-20_000);
    };
    child.stdout!.on("data", collect);
    child.stderr!.on("data", collect);
    const deadlineMs = performance.now() + 10_000;
    while (!(await accepts(this.#address, this.#port))) {
      if (child.exitCode !== null || performance.now() > deadlineMs) throw new Error(`httpd did not start:\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (child && child.exitCode === null) {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #configuration(): string {
    const modules = ["mpm_event", "authz_core", "proxy", "proxy_http", "proxy_ajp", "proxy_balancer", "slotmem_shm", "lbmethod_byrequests"];
    return `ServerRoot "${this.#folder}"
DefaultRuntimeDir "${this.#folder}"
PidFile "${this.#folder}/httpd.pid"
ServerName bench.test
Listen ${this.#address}:${this.#port}
User nobody
Group nogroup
ErrorLog "${this.#folder}/error.log"
LogLevel warn
${modules.map((name) => `LoadModule ${name}_module /usr/lib/apache2/modules/mod_${name}.so`).join("\n")}
KeepAlive On
MaxKeepAliveRequests 0
<Proxy "balancer://workers">
${this.#members.map((member) => `  BalancerMember "${member.url}" route=${member.route} secret=bench`).join("\n")}
  ProxySet stickysession=JSESSIONID|jsessionid scolonpathdelim=On
</Proxy>
ProxyPass "/" "balancer://workers/"
`;
  }
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
