import { useHotkeys } from "@mantine/hooks";
import { useNavigate } from "@tanstack/react-router";
import { useRef } from "react";
import { useCallCommands } from "../calls/commands.ts";
import { currentCall, dockCalls, isWaiting } from "../calls/order.ts";
import { useServices } from "../services.ts";

/** How long after G the second letter counts, in milliseconds. */
const chordWindow = 1200;

/**
 * The keys that act on calls and places. They are silent in inputs, and Enter
 * leaves a focused button or link to its own doing.
 */
export function CallKeys() {
  const { live, engine } = useServices();
  const commands = useCallCommands();
  const navigate = useNavigate();
  const chord = useRef(0);
  const calls = () => Object.values(live.getState().calls);
  const ringing = () => dockCalls(live.getState()).find(isWaiting);
  const go = (to: "/" | "/history" | "/settings") => {
    if (performance.now() - chord.current < chordWindow) void navigate({ to });
  };
  const withCurrent = (act: (leg: string, onHold: boolean) => void) => () => {
    const call = currentCall(calls());
    if (call) act(call.leg, call.on_hold);
  };
  const ignored = ["INPUT", "TEXTAREA", "SELECT"];
  useHotkeys(
    [
      ["m", withCurrent(() => engine.setMuted(!engine.state.getState().muted))],
      ["x", withCurrent((leg) => void commands.hangUp(leg))],
      ["g", () => (chord.current = performance.now())],
      ["p", () => go("/")],
      ["s", () => go("/settings")],
      [
        "h",
        () => {
          if (performance.now() - chord.current < chordWindow) void navigate({ to: "/history" });
          else withCurrent((leg, onHold) => void commands.hold(leg, !onHold))();
        },
      ],
    ],
    ignored,
  );
  useHotkeys(
    [
      ["Enter", answer, { preventDefault: false }],
      ["Escape", decline, { preventDefault: false }],
    ],
    ignored,
  );
  function answer() {
    const waiting = ringing();
    const focused = document.activeElement;
    if (waiting?.device.kind !== "browser" || focused?.closest("button, a, [role]")) return;
    void commands.answer(waiting.leg);
  }
  function decline() {
    const waiting = ringing();
    if (waiting && !somethingOpen()) void commands.reject(waiting.leg);
  }
  return null;
}

/** Whether a dialog, menu or list is open, which takes Escape to close itself. */
function somethingOpen(): boolean {
  const layers = document.querySelectorAll("[role=dialog], [role=menu], [role=listbox]");
  return Array.from(layers).some((layer) => layer.checkVisibility());
}
