// What stands in front of the workers: balancers, and how traffic reaches them.
import { z } from "zod";
import { podTemplate } from "./pod-template-schema.ts";
import { annotations, hostName, labelName, mapList, objectName, port, seconds } from "./schema-parts.ts";

const service = z
  .object({
    type: z
      .enum(["ClusterIP", "NodePort", "LoadBalancer"])
      .default("ClusterIP")
      .describe("ClusterIP: reachable inside the Kubernetes cluster. NodePort, LoadBalancer: also from outside"),
    port: port.default(80).describe("Port for HTTP"),
    annotations: annotations.optional().describe("Annotations of the Service, such as those that cloud providers read"),
  })
  .prefault({})
  .describe("The Service in front of the balancers");

const ingress = z
  .object({
    enabled: z.boolean().default(false).describe("Whether there is an Ingress"),
    className: objectName.optional().describe("IngressClass; unset: the Kubernetes cluster's default"),
    hosts: z
      .array(hostName)
      .max(64)
      .default([])
      .meta({ "x-kubernetes-list-type": "set" })
      .describe("Host names that it takes requests for; empty: every one"),
    tlsSecretName: objectName.optional().describe("Secret with certificate and key, for HTTPS up to the ingress controller"),
    annotations: annotations.optional().describe("Annotations of the Ingress, such as those that its controller reads"),
  })
  .prefault({})
  .describe("An Ingress in front of the Service. Its controller needs no session affinity: balancers see to that");

const httpRoute = z
  .object({
    enabled: z.boolean().default(false).describe("Whether there is an HTTPRoute of the Gateway API"),
    parentRefs: mapList(
      z.object({
        name: objectName.describe("Name of the Gateway"),
        namespace: labelName.optional().describe("Its namespace; unset: the cluster's own"),
        sectionName: objectName.optional().describe("Name of its listener; unset: all"),
      }),
      ["name"],
      16,
    )
      .default([])
      .describe("Gateways that it belongs to"),
    hostnames: z
      .array(hostName)
      .max(16)
      .default([])
      .meta({ "x-kubernetes-list-type": "set" })
      .describe("Host names that it takes requests for; empty: those of the Gateway"),
    annotations: annotations.optional().describe("Annotations of the HTTPRoute"),
  })
  .prefault({})
  .describe("An HTTPRoute in front of the Service");

const tls = z
  .object({
    enabled: z.boolean().default(false).describe("Whether balancers serve HTTPS, beside HTTP"),
    secretName: objectName
      .optional()
      .describe("Secret with tls.crt and tls.key, as cert-manager makes it; a renewed one is used without a restart"),
    port: port.default(443).describe("Port of the Service for HTTPS"),
  })
  .prefault({})
  .describe("HTTPS up to the balancers");

export const balancer = z
  .object({
    replicas: z.int().min(0).max(100).optional().describe("Number of balancers; unset: created with 2, then left to an autoscaler"),
    method: z.enum(["ByRequests"]).optional().describe("Which worker takes a request without a session; unset: ByRequests, each in turn"),
    stickySession: z
      .object({
        enabled: z.boolean().optional().describe("The same session to the same worker; unset: true"),
        force: z.boolean().optional().describe("503 instead of another worker when a session's own one is unusable; unset: false"),
      })
      .prefault({})
      .describe("Requests with a session"),
    healthCheck: z
      .object({
        intervalMilliseconds: z
          .int()
          .min(100)
          .max(600_000)
          .optional()
          .describe("Period of the question whether a worker is ready; unset: 1000"),
        timeoutMilliseconds: z.int().min(10).max(600_000).optional().describe("No answer within this time is a failure; unset: 1000"),
        fall: z.int().min(1).max(100).optional().describe("Consecutive failures that take a worker out; unset: 2"),
        rise: z.int().min(1).max(100).optional().describe("Consecutive successes that bring it back; unset: 1"),
      })
      .prefault({})
      .describe("How balancers notice that a worker is ready or gone"),
    timeouts: z
      .object({
        headSeconds: seconds.optional().describe("For a client to send the head of a request; unset: 20"),
        bodyIdleSeconds: seconds.optional().describe("Without progress of a request body; unset: 20"),
        keepAliveSeconds: seconds.optional().describe("For idle connections of clients; unset: 75"),
        answerSeconds: seconds.optional().describe("For a worker to begin its answer; unset: 60"),
        answerIdleSeconds: seconds.optional().describe("Without progress of an answer; unset: 300"),
      })
      .prefault({})
      .describe("How long balancers wait"),
    service,
    tls,
    ingress,
    httpRoute,
    template: podTemplate("balancers"),
  })
  .prefault({})
  .describe("What stands in front of the workers");
