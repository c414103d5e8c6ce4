export { Balancer, type BalancerDeps } from "./balancer.ts";
