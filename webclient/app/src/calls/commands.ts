import { notifications } from "@mantine/notifications";
import { useErrorText } from "@klapka/kit/ui";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useServices } from "../services.ts";

/** What a person can do with calls. Every verb reports its own failure. */
export interface CallCommands {
  dial(to: string): Promise<void>;
  answer(leg: string): Promise<void>;
  reject(leg: string): Promise<void>;
  /** Brings the sound of a call from another page to this one. */
  continueHere(leg: string): Promise<void>;
  hangUp(leg: string): Promise<void>;
  hold(leg: string, on: boolean): Promise<void>;
  sendDigits(leg: string, digits: string): Promise<void>;
}

/** The commands, bound to the page's exchange and this tab's sound. */
export function useCallCommands(): CallCommands {
  const { api, engine, live } = useServices();
  const { t } = useTranslation("app");
  const words = useErrorText();
  return useMemo(() => {
    const fail = (error: unknown) => {
      notifications.show({ color: "red", message: words(error), role: "alert" });
    };
    const run = async (work: () => Promise<unknown>) => {
      try {
        await work();
      } catch (error) {
        fail(error);
      }
    };
    /** Runs a command that brings sound to this tab, with the microphone open first. */
    const withSound = async (work: () => Promise<unknown>) => {
      engine.unlock();
      if (!(await engine.openMicrophone())) {
        const { microphone } = engine.state.getState();
        const message = t(`microphone.${microphone}`);
        notifications.show({ color: "red", message, role: "alert" });
        return;
      }
      try {
        await work();
      } catch (error) {
        if (Object.keys(live.getState().calls).length === 0) engine.closeMicrophone();
        fail(error);
      }
    };
    const at = (leg: string) => ({ params: { path: { leg } } });
    return {
      dial: (to) => withSound(() => api.http.POST("/api/calls", { body: { to } })),
      answer: (leg) => withSound(() => api.http.POST("/api/calls/{leg}/answer", at(leg))),
      continueHere: (leg) => withSound(() => api.http.POST("/api/calls/{leg}/continue", at(leg))),
      reject: (leg) => run(() => api.http.POST("/api/calls/{leg}/reject", at(leg))),
      hangUp: (leg) => run(() => api.http.POST("/api/calls/{leg}/hangup", at(leg))),
      hold: (leg, on) =>
        run(() => api.http.POST(on ? "/api/calls/{leg}/hold" : "/api/calls/{leg}/resume", at(leg))),
      sendDigits: (leg, digits) =>
        run(() => api.http.POST("/api/calls/{leg}/dtmf", { ...at(leg), body: { digits } })),
    };
  }, [api, engine, live, t, words]);
}
