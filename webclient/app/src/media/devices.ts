import { createStore } from "zustand/vanilla";
import { persist } from "zustand/middleware";

/** Which devices sound goes in and out of; empty is the system's choice. */
export interface DeviceChoice {
  microphone: string;
  speaker: string;
  ringer: string;
  /** How loud it rings, 0 to 1. */
  ringVolume: number;
}

/** Makes the store of this browser's devices; ids mean nothing elsewhere. */
export function createDeviceStore() {
  return createStore<DeviceChoice>()(
    persist(() => ({ microphone: "", speaker: "", ringer: "", ringVolume: 0.7 }), {
      name: "klapka.devices",
    }),
  );
}

/** The store of this browser's devices. */
export type DeviceStore = ReturnType<typeof createDeviceStore>;

/**
 * Opens a microphone. A device that was unplugged since it was chosen is no
 * reason to be without one: the system's choice steps in.
 */
export async function openMicrophone(deviceId: string): Promise<MediaStream> {
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (deviceId) {
    try {
      return await navigator.mediaDevices.getUserMedia({
        audio: { ...audio, deviceId: { exact: deviceId } },
      });
    } catch (error) {
      if (!(error instanceof DOMException) || error.name === "NotAllowedError") throw error;
    }
  }
  return navigator.mediaDevices.getUserMedia({ audio });
}

/** Something whose loudspeaker can be chosen, where the browser can. */
interface Sink {
  setSinkId?: (id: string) => Promise<void>;
}

/** Sends an element's or context's sound to a loudspeaker; falls back silently. */
export async function routeTo(target: object, deviceId: string): Promise<void> {
  try {
    await (target as Sink).setSinkId?.(deviceId);
  } catch {
    await (target as Sink).setSinkId?.("");
  }
}
