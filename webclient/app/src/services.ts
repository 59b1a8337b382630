import { createContext, useContext } from "react";
import { useStore } from "zustand";
import { createApi, createQueries, type Api } from "@klapka/kit/api";
import {
  createLiveStore,
  LiveSocket,
  type Identity,
  type LiveStore,
  type SocketOptions,
} from "@klapka/kit/live";
import type { QueryClient } from "@tanstack/react-query";
import { createDeviceStore, openMicrophone, routeTo, type DeviceStore } from "./media/devices.ts";
import { MediaEngine, type MediaState } from "./media/engine.ts";
import { createServers } from "./media/servers.ts";

/** Everything of a page that lives outside its components. */
export interface Services {
  identity: Identity;
  api: Api;
  queries: QueryClient;
  live: LiveStore;
  socket: LiveSocket;
  engine: MediaEngine;
  devices: DeviceStore;
}

/** Builds a page's services; nothing is connected before socket.start. */
export function createServices(identity: Identity, onUnauthorized: () => void): Services {
  const api = createApi();
  api.identify(identity);
  const queries = createQueries(onUnauthorized);
  const live = createLiveStore();
  const devices = createDeviceStore();
  const speaker = new Audio();
  speaker.autoplay = true;
  const engine: MediaEngine = new MediaEngine({
    speaker,
    offer: (ms, sdp, why) => socket.send({ t: "media.offer", ms, sdp, why }),
    microphone: () => openMicrophone(devices.getState().microphone),
    servers: createServers(api),
    onQuiet: () => socket.doubt(),
  });
  const socket: LiveSocket = new LiveSocket({
    ...identity,
    url: socketAddress(location),
    store: live,
    urgent: () => engine.state.getState().microphone === "open",
    ...mediaWiring(engine, queries),
  });
  devices.subscribe((now, before) => {
    if (now.speaker !== before.speaker) void routeTo(speaker, now.speaker);
    if (now.microphone !== before.microphone) void engine.changeMicrophone();
  });
  void routeTo(speaker, devices.getState().speaker);
  followCalls(live, engine, identity.tabId);
  followConnection(live, queries);
  return { identity, api, queries, live, socket, engine, devices };
}

/** Where the socket is, seen from a page. */
export function socketAddress({ protocol, host }: Pick<Location, "protocol" | "host">): string {
  return `${protocol === "https:" ? "wss" : "ws"}://${host}/api/socket`;
}

/**
 * Passes media frames on, and mends the session each time the exchange greets us
 * again: by an ICE restart while it is the same run of the exchange, else anew.
 * A call whose network has changed gets a new session too: after a restart
 * browsers hold on to the dead way for seconds before they trust the new one.
 */
function mediaWiring(
  engine: MediaEngine,
  queries: QueryClient,
): Pick<SocketOptions, "onFrame" | "onOpen"> {
  let epoch = 0;
  return {
    onOpen: (moved) => {
      const talking = engine.state.getState().microphone === "open";
      void (moved && talking ? engine.renew() : engine.connect());
    },
    onFrame: (frame) => {
      if (frame.t === "media.answer") void engine.answer(frame.ms, frame.sdp);
      if (frame.t === "media.refused") engine.refused(frame.ms, frame.code === "not_found");
      if (frame.t === "bye" && frame.reason === "changed") void askWhoIAm(queries);
      if (frame.t !== "snapshot") return;
      if (epoch !== 0 && epoch !== frame.epoch) void engine.renew();
      epoch = frame.epoch;
    },
  };
}

/** The microphone is open exactly while a call of ours has its sound in this tab. */
function followCalls(live: LiveStore, engine: MediaEngine, tabId: string): void {
  const here = () =>
    Object.values(live.getState().calls).some(
      (c) => c.device.tab_id === tabId && !(c.direction === "incoming" && c.state === "ringing"),
    );
  let was = false;
  live.subscribe(() => {
    const is = here();
    if (is === was) return;
    was = is;
    if (is) void engine.openMicrophone();
    else engine.closeMicrophone();
  });
}

/** A lost connection may mean an ended session; one question tells. */
function followConnection(live: LiveStore, queries: QueryClient): void {
  live.subscribe((now, before) => {
    if (now.connection !== before.connection && before.connection === "online") {
      void askWhoIAm(queries);
    }
  });
}

function askWhoIAm(queries: QueryClient): Promise<void> {
  return queries.invalidateQueries({ queryKey: ["get", "/api/me"] });
}

/** Hands the services down. */
export const ServicesContext = createContext<Services | null>(null);

/** The page's services. */
export function useServices(): Services {
  const services = useContext(ServicesContext);
  if (!services) throw new Error("useServices outside ServicesContext");
  return services;
}

/** The part of the media state that select picks; renders when it changes. */
export function useMedia<T>(select: (state: MediaState) => T): T {
  return useStore(useServices().engine.state, select);
}
