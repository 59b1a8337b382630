import { useApi, type TraceHead } from "@klapka/kit/api";
import { formatDateTime, useLanguage } from "@klapka/kit/i18n";
import { Badge, Button, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconRoute, IconSearch } from "@tabler/icons-react";
import { getRouteApi, Link, useNavigate } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { List } from "../parts/List.tsx";
import { Page } from "../parts/Page.tsx";
import { PeerText } from "../parts/Words.tsx";
import { useReasonWords } from "./words.ts";

const route = getRouteApi("/shell/trace");

/** The last calls and attempts, each with its reasons. */
export function TracesPage() {
  const { t } = useTranslation("admin");
  const language = useLanguage();
  const { search } = route.useSearch();
  const navigate = useNavigate({ from: "/trace" });
  const setSearch = useDebouncedCallback(
    (text: string) => void navigate({ search: { search: text || undefined }, replace: true }),
    300,
  );
  const query = useApi().query.useQuery(
    "get",
    "/api/admin/trace",
    { params: { query: search ? { search } : {} } },
    { refetchInterval: 5_000 },
  );
  return (
    <Page title={t("trace.title")} text={t("trace.hint")}>
      <List
        label={t("trace.title")}
        query={query}
        idOf={(c) => c.call}
        tools={
          <TextInput
            type="search"
            maw={320}
            aria-label={t("trace.search")}
            placeholder={t("trace.search")}
            leftSection={<IconSearch size={16} aria-hidden />}
            defaultValue={search}
            onChange={(event) => setSearch(event.currentTarget.value)}
          />
        }
        empty={{ icon: <IconRoute size={30} />, title: t("trace.none"), text: t("trace.noneHint") }}
        columns={[
          {
            accessor: "started_at",
            title: t("records.when"),
            sortable: true,
            render: (c) => formatDateTime(c.started_at, language),
          },
          { accessor: "from", title: t("calls.from"), render: (c) => <PeerText peer={c.from} /> },
          { accessor: "dialled", title: t("trace.dialled"), sortable: true },
          { accessor: "cause", title: t("records.outcome"), render: (c) => <Outcome head={c} /> },
          {
            accessor: "actions",
            title: t("list.actionsTitle"),
            textAlign: "right",
            render: (c) => (
              <Button
                size="xs"
                variant="default"
                renderRoot={(p) => <Link to="/trace/$call" params={{ call: c.call }} {...p} />}
              >
                {t("calls.why")}
              </Button>
            ),
          },
        ]}
      />
    </Page>
  );
}

/** How it ended, in a word; refusals stand out. */
export function Outcome({ head }: { head: TraceHead }) {
  const { t } = useTranslation("admin");
  const reasonWords = useReasonWords();
  if (!head.refused) return t(`verdict.${head.verdict}`);
  return (
    <Badge variant="light" color="red" title={reasonWords(head.refused)}>
      {t(`verdict.${head.verdict}`)}
      {head.attempts > 1 && ` × ${head.attempts}`}
    </Badge>
  );
}
