// Failures of the session store. No TomcatClusterError: an application's copy of this folder loads nothing of the worker.

/** The store was made where no worker loads an application. */
export class OutsideOfWorkerError extends Error {
  readonly code = "OUTSIDE_OF_WORKER";

  constructor() {
    super(
      "A TomcatClusterStore is made while a tomcat-cluster worker loads its application: make it at the top of a module, " +
        "not in a request, and use another store where the application runs without a worker",
    );
    this.name = "OutsideOfWorkerError";
  }
}
