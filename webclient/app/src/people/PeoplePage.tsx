import { Group, Paper, SegmentedControl, Text, TextInput, Title } from "@mantine/core";
import { IconFilter, IconUsers } from "@tabler/icons-react";
import type { Person } from "@klapka/kit/api";
import { useLive } from "@klapka/kit/live";
import { EmptyState, matches, Waiting } from "@klapka/kit/ui";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../me.ts";
import { PeopleList } from "./PeopleList.tsx";
import classes from "./People.module.css";

type Shown = "all" | "reachable";

/** Everybody one can call, with what their line does at the moment (Y-07, Y-08). */
export function PeoplePage() {
  const { t } = useTranslation("app");
  const { extension } = useMe();
  const [filter, setFilter] = useState("");
  const [shown, setShown] = useState<Shown>("all");
  const known = useLive((s) => s.epoch > 0);
  const people = useLive((s) => s.people);
  const others = useMemo(
    () => sortPeople(Object.values(people).filter((p) => p.number !== extension?.number)),
    [people, extension?.number],
  );
  const list = others.filter(
    (p) => (shown === "all" || p.state !== "offline") && matches(filter, p.name, p.number),
  );
  return (
    <div className={classes.page}>
      <Group justify="space-between" mb="md">
        <div>
          <Title order={1} size="h2">
            {t("people.title")}
          </Title>
          <Text c="dimmed" size="sm">
            {t("people.free", { count: others.filter((p) => p.state === "free").length })}
          </Text>
        </div>
        <Group gap="sm" className={classes.tools}>
          <SegmentedControl
            aria-label={t("people.shown")}
            value={shown}
            onChange={(value) => setShown(value)}
            data={[
              { value: "all", label: t("people.all") },
              { value: "reachable", label: t("people.reachable") },
            ]}
          />
          <TextInput
            type="search"
            className={classes.filter}
            aria-label={t("people.filter")}
            placeholder={t("people.filter")}
            leftSection={<IconFilter size={16} aria-hidden />}
            value={filter}
            onChange={(event) => setFilter(event.currentTarget.value)}
          />
        </Group>
      </Group>
      <Paper withBorder className={classes.list}>
        {!known && <Waiting />}
        {known && list.length > 0 && <PeopleList people={list} />}
        {known && list.length === 0 && (
          <EmptyState
            icon={<IconUsers size={30} />}
            title={others.length === 0 ? t("people.nobody") : t("people.noMatch")}
            text={others.length === 0 ? t("people.nobodyHint") : t("people.noMatchHint")}
          />
        )}
      </Paper>
    </div>
  );
}

/** By name as the reader's language sorts; places do not jump when states change. */
function sortPeople(people: Person[]): Person[] {
  const { compare } = new Intl.Collator(document.documentElement.lang, { numeric: true });
  return people.toSorted((a, b) => compare(a.name || a.number, b.name || b.number));
}
