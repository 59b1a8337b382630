export { LiveContext, useLive } from "./context.ts";
export type { Down, Up } from "./frames.ts";
export { identify, type Identity } from "./identity.ts";
export { LiveSocket, type SocketOptions } from "./socket.ts";
export {
  createLiveStore,
  type Connection,
  type EndedCall,
  type Live,
  type LiveStore,
} from "./store.ts";
