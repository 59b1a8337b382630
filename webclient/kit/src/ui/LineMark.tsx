import {
  IconBellRinging,
  IconCircleFilled,
  IconPhoneCall,
  IconPhoneOutgoing,
  IconPlayerPauseFilled,
  IconPlugConnectedX,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { LineState } from "../api/types.ts";
import classes from "./LineMark.module.css";

const icons = {
  free: IconCircleFilled,
  ringing: IconBellRinging,
  dialling: IconPhoneOutgoing,
  talking: IconPhoneCall,
  held: IconPlayerPauseFilled,
  offline: IconPlugConnectedX,
} satisfies Record<LineState, unknown>;

/** A line's state by shape, word and colour together, never by colour alone. */
export function LineMark({ state }: { state: LineState }) {
  const { t } = useTranslation("kit");
  const Icon = icons[state];
  return (
    <span className={classes.mark} data-state={state}>
      <Icon className={classes.icon} size={state === "free" ? 10 : 16} stroke={2} aria-hidden />
      {t(`line.${state}`)}
    </span>
  );
}
