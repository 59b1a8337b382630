import type { CallRecord, Peer } from "@klapka/kit/api";
import { formatDuration, formatWhen, useLanguage } from "@klapka/kit/i18n";
import { EmptyState, ErrorNotice } from "@klapka/kit/ui";
import { Button, Center, Paper } from "@mantine/core";
import { IconFileText } from "@tabler/icons-react";
import { getRouteApi } from "@tanstack/react-router";
import { DataTable } from "mantine-datatable";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Page } from "../parts/Page.tsx";
import { PeerText } from "../parts/Words.tsx";
import { RecordDetail } from "./RecordDetail.tsx";
import { RecordFilterBar } from "./RecordFilterBar.tsx";
import { useRecords } from "./useRecords.ts";

const route = getRouteApi("/shell/records");

/** Every call there was, filtered by what stands in the address. */
export function RecordsPage() {
  const { t } = useTranslation(["admin", "kit"]);
  const language = useLanguage();
  const filters = route.useSearch();
  const pages = useRecords(filters);
  const [shown, setShown] = useState<CallRecord | null>(null);
  const items = pages.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <Page title={t("records.title")} text={t("records.hint")}>
      <RecordFilterBar filters={filters} />
      <ErrorNotice error={pages.error} onRetry={() => void pages.refetch()} />
      <Paper withBorder style={{ overflow: "hidden" }}>
        {pages.isSuccess && items.length === 0 ? (
          <EmptyState
            icon={<IconFileText size={30} />}
            title={t("records.none")}
            text={t("records.noneHint")}
          />
        ) : (
          <DataTable
            aria-label={t("records.title")}
            records={items}
            idAccessor="call"
            fetching={pages.isPending}
            minHeight={items.length === 0 ? 160 : 0}
            noRecordsText=""
            highlightOnHover
            verticalSpacing="sm"
            horizontalSpacing="md"
            columns={[
              {
                accessor: "started_at",
                title: t("records.when"),
                render: (r) => formatWhen(r.started_at, language),
              },
              {
                accessor: "from",
                title: t("calls.from"),
                render: (r) => <PeerText peer={r.from} />,
              },
              {
                accessor: "dialled",
                title: t("calls.to"),
                render: (r) => <PeerText peer={calledOf(r)} />,
              },
              { accessor: "cause", title: t("records.outcome"), render: outcome },
              {
                accessor: "duration",
                title: t("records.talked"),
                textAlign: "right",
                render: (r) => <span className="k-digits">{talked(r)}</span>,
              },
              {
                accessor: "actions",
                title: t("list.actionsTitle"),
                textAlign: "right",
                render: (r) => (
                  <Button size="xs" variant="default" onClick={() => setShown(r)}>
                    {t("records.details")}
                  </Button>
                ),
              },
            ]}
          />
        )}
        {pages.hasNextPage && (
          <Center p="md">
            <Button
              variant="default"
              loading={pages.isFetchingNextPage}
              onClick={() => void pages.fetchNextPage()}
            >
              {t("records.more")}
            </Button>
          </Center>
        )}
      </Paper>
      <RecordDetail record={shown} onClose={() => setShown(null)} />
    </Page>
  );

  function outcome(record: CallRecord): string {
    if (!record.cause) return t("records.running");
    if (record.answered_at && record.cause.code === "normal") return t("records.answered");
    return t(`kit:cause.${record.cause.code}`);
  }
}

/** Who answered, else who was meant, with the name where one was rung. */
function calledOf({ answered_by, dialled, legs }: CallRecord): Peer {
  if (answered_by) return answered_by;
  const rung = legs.find((l) => l.direction === "outgoing" && l.party.number === dialled);
  return rung?.party ?? { number: dialled, name: "" };
}

/** How long people spoke, or nothing if nobody answered. */
function talked({ answered_at, ended_at }: CallRecord): string {
  if (!answered_at || !ended_at) return "";
  return formatDuration((Date.parse(ended_at) - Date.parse(answered_at)) / 1000);
}
