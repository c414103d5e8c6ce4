// Annotations of a TomcatCluster by which a person moves the operator.
import { API_GROUP } from "../api/index.ts";

/** "true": nothing of the cluster is changed; its status is still told. */
export const PAUSED_ANNOTATION = `${API_GROUP}/paused`;
/** Revision of the StatefulSet that is rolled out whatever the workers say. It names one revision, so that a forgotten one forces nothing later. */
export const FORCE_ROLL_ANNOTATION = `${API_GROUP}/force-roll`;
/** Number of the channel's key that is wanted; one above status.keyGeneration begins a rotation. */
export const ROTATE_KEY_ANNOTATION = `${API_GROUP}/rotate-key`;
