import type { TraceEntry } from "@klapka/kit/api";
import { Code, Paper, Text, UnstyledButton } from "@mantine/core";
import { IconAlertTriangle, IconCircleCheck, IconInfoCircle } from "@tabler/icons-react";
import { useState, type CSSProperties } from "react";
import { useTranslation } from "react-i18next";
import { offset, parties, us } from "./story.ts";
import { useEntryWords } from "./words.ts";
import classes from "./Ladder.module.css";

const tones = { info: IconInfoCircle, good: IconCircleCheck, bad: IconAlertTriangle };

/**
 * Messages as arrows between those who sent them, decisions as notes between
 * the arrows, time running down. Each opens to its full text.
 */
export function Ladder({ entries, since }: { entries: TraceEntry[]; since: string }) {
  const { t } = useTranslation("admin");
  const columns = parties(entries);
  const style = { "--columns": Math.max(columns.length, 2) } as CSSProperties;
  return (
    <Paper withBorder className={classes.ladder} style={style}>
      {columns.length > 0 && (
        <div className={classes.heads} aria-hidden>
          {columns.map((name) => (
            <span key={name}>{name === us ? "Klapka" : name}</span>
          ))}
        </div>
      )}
      <ol className={classes.entries} aria-label={t("trace.one")}>
        {entries.map((entry, index) => (
          <Entry key={index} entry={entry} columns={columns} since={since} />
        ))}
      </ol>
    </Paper>
  );
}

function Entry(props: { entry: TraceEntry; columns: string[]; since: string }) {
  const { entry, columns, since } = props;
  const [open, setOpen] = useState(false);
  return (
    <li className={classes.entry} data-tone={entry.tone}>
      <UnstyledButton
        className={classes.line}
        aria-expanded={open}
        disabled={!entry.text}
        onClick={() => setOpen(!open)}
      >
        <span className={`k-digits ${classes.time ?? ""}`}>{offset(entry.at, since)}</span>
        {entry.kind === "message" ? (
          <Arrow entry={entry} columns={columns} />
        ) : (
          <Decision entry={entry} />
        )}
      </UnstyledButton>
      {open && (
        <Code block className={classes.text} tabIndex={0}>
          {entry.text}
        </Code>
      )}
    </li>
  );
}

function Decision({ entry }: { entry: TraceEntry }) {
  const Icon = tones[entry.tone];
  const words = useEntryWords();
  return (
    <span className={classes.decision}>
      <Icon size={18} aria-hidden />
      <span>{words(entry)}</span>
    </span>
  );
}

function Arrow({ entry, columns }: { entry: TraceEntry; columns: string[] }) {
  const from = columns.indexOf(entry.from);
  const to = columns.indexOf(entry.to);
  const style = { "--start": Math.min(from, to), "--span": Math.abs(to - from) } as CSSProperties;
  return (
    <span className={classes.lane}>
      <span className={classes.parties}>
        {entry.from} → {entry.to}
      </span>
      <span className={classes.arrow} data-left={to < from} style={style}>
        <Text span size="sm" fw={550}>
          {entry.title}
        </Text>
      </span>
    </span>
  );
}
