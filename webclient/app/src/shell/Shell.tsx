import { Outlet } from "@tanstack/react-router";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { CallDock } from "../calls/CallDock.tsx";
import { Ringer } from "../media/ringer.ts";
import { useServices } from "../services.ts";
import { CallKeys } from "./CallKeys.tsx";
import { Rail } from "./Rail.tsx";
import { TopBar } from "./TopBar.tsx";
import classes from "./Shell.module.css";

/** What surrounds every page of somebody signed in; it outlives navigation. */
export function Shell() {
  const { t } = useTranslation("app");
  useConnection();
  return (
    <div className={classes.shell}>
      <a className="k-skip" href="#main">
        {t("shell.skip")}
      </a>
      <TopBar />
      <Rail />
      <main id="main" className={classes.main} tabIndex={-1}>
        <Outlet />
      </main>
      <CallDock />
      <CallKeys />
    </div>
  );
}

/** The socket and the ringer live as long as the shell does. */
function useConnection(): void {
  const { t } = useTranslation("app");
  const { socket, engine, live, devices } = useServices();
  useEffect(() => {
    socket.start();
    return () => {
      socket.stop();
      engine.close();
      // The next to sign in may be somebody else.
      live.setState(live.getInitialState(), true);
    };
  }, [socket, engine, live]);
  useEffect(() => {
    const ringer = new Ringer({
      live,
      devices,
      words: ({ peer }) => ({
        title: t("call.from", { name: peer.name || peer.number }),
        body: peer.name ? peer.number : "",
      }),
    });
    ringer.start();
    return () => ringer.stop();
  }, [live, devices, t]);
}
