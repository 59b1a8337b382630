import { useCallback, useEffect, useState } from "react";

/** The sound devices of this machine. */
export interface DeviceList {
  inputs: MediaDeviceInfo[];
  outputs: MediaDeviceInfo[];
  /** Names are hidden until the microphone was allowed once. */
  locked: boolean;
  /** Asks for the microphone, so that the names show. */
  unlock: () => Promise<void>;
}

/** Follows the devices as they come and go. */
export function useDeviceList(): DeviceList {
  const [devices, setDevices] = useState<MediaDeviceInfo[]>([]);
  // Browsers leave mediaDevices out where the page is not secure.
  const media = navigator.mediaDevices as MediaDevices | undefined;
  const refresh = useCallback(async () => {
    setDevices((await media?.enumerateDevices()) ?? []);
  }, [media]);
  useEffect(() => {
    const changed = () => void refresh();
    changed();
    media?.addEventListener("devicechange", changed);
    return () => media?.removeEventListener("devicechange", changed);
  }, [media, refresh]);
  const inputs = devices.filter((d) => d.kind === "audioinput");
  return {
    inputs,
    outputs: devices.filter((d) => d.kind === "audiooutput"),
    locked: inputs.every((d) => !d.label),
    unlock: async () => {
      const stream = await media?.getUserMedia({ audio: true }).catch(() => null);
      stream?.getTracks().forEach((track) => track.stop());
      await refresh();
    },
  };
}
