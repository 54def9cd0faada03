// Placeholder until the Deployment and EndpointSlice controllers are there.
import { millis } from "../../../impl/wire/time.ts";
import { type World } from "../../../sim/create-world.ts";
import { type ControlPlane } from "../../../sim/kube/control-plane.ts";
export function addWorkloads(world: World, plane: ControlPlane): void {
  const { server } = plane;
  const call = (m: string, p: string, b?: unknown) =>
    plane.call(m, p, b, m === "PATCH" ? "application/merge-patch+json" : undefined).body as any;
  server.onChange((e: any) => {
    if (e.collection === "deployments.apps" && e.type === "ADDED")
      world.scheduler.after(millis(50), () => {
        const d = e.object;
        const nodes = call("GET", "/api/v1/nodes").items;
        const eps: any[] = [];
        for (let i = 0; i < d.spec.replicas; i++) {
          const node = d.spec.template.spec.nodeName
            ? nodes.find((n: any) => n.metadata.name === d.spec.template.spec.nodeName)
            : nodes[i % nodes.length];
          const ni = nodes.indexOf(node);
          const ips = node.spec.podCIDRs.map((c: string) =>
            c.includes(":") ? c.replace(/\/.*/, "") + (10 + i).toString(16) : c.replace(/0\/24$/, String(10 + i)),
          );
          const name = `${d.metadata.name}-${i}`;
          call("POST", `/api/v1/namespaces/${d.metadata.namespace}/pods`, {
            apiVersion: "v1",
            kind: "Pod",
            metadata: { name, namespace: d.metadata.namespace, labels: d.spec.template.metadata.labels },
            spec: { nodeName: node.metadata.name },
          });
          call("PATCH", `/api/v1/namespaces/${d.metadata.namespace}/pods/${name}/status`, {
            status: { phase: "Running", podIP: ips[0], podIPs: ips.map((ip: string) => ({ ip })) },
          });
          eps.push({ ips, node: node.metadata.name, name });
          void ni;
        }
        for (const fam of ["IPv4", "IPv6"])
          call("POST", `/apis/discovery.k8s.io/v1/namespaces/${d.metadata.namespace}/endpointslices`, {
            apiVersion: "discovery.k8s.io/v1",
            kind: "EndpointSlice",
            metadata: {
              name: `${d.metadata.name}-${fam.toLowerCase()}`,
              labels: { "kubernetes.io/service-name": d.metadata.name },
            },
            addressType: fam,
            endpoints: eps.flatMap((e2) =>
              e2.ips
                .filter((ip: string) => ip.includes(":") === (fam === "IPv6"))
                .map((ip: string) => ({
                  addresses: [ip],
                  nodeName: e2.node,
                  conditions: { ready: true, serving: true, terminating: false },
                })),
            ),
            ports: [{ port: 80, protocol: "TCP", name: "" }],
          });
      });
  });
}
