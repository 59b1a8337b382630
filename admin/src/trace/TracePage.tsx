import { useApi } from "@klapka/kit/api";
import { formatDateTime, useLanguage } from "@klapka/kit/i18n";
import { ErrorNotice, Waiting } from "@klapka/kit/ui";
import { Anchor, Button, Group, Paper, SegmentedControl, Text } from "@mantine/core";
import { IconArrowLeft, IconDownload } from "@tabler/icons-react";
import { getRouteApi, Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Page } from "../parts/Page.tsx";
import { Ladder } from "./Ladder.tsx";
import { Outcomes } from "./Outcomes.tsx";
import { Outcome } from "./TracesPage.tsx";

const route = getRouteApi("/shell/trace/$call");

type Shown = "all" | "decision" | "message";

/** Why one call did or did not ring: every message and every decision, in order. */
export function TracePage() {
  const { t } = useTranslation("admin");
  const language = useLanguage();
  const { call } = route.useParams();
  const query = useApi().query.useQuery("get", "/api/admin/trace/{call}", {
    params: { path: { call } },
  });
  const [shown, setShown] = useState<Shown>("all");
  const trace = query.data;
  return (
    <Page
      title={t("trace.one")}
      action={
        trace && (
          <Button
            variant="light"
            leftSection={<IconDownload size={18} aria-hidden />}
            component="a"
            href={`/api/admin/trace/${encodeURIComponent(call)}/text`}
            download
          >
            {t("trace.download")}
          </Button>
        )
      }
    >
      <Anchor renderRoot={(p) => <Link to="/trace" {...p} />} size="sm">
        <IconArrowLeft size={14} aria-hidden /> {t("trace.all")}
      </Anchor>
      <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
      {query.isPending && <Waiting />}
      {trace && (
        <>
          <Paper withBorder p="md">
            <Text fw={600}>
              {trace.from.name || trace.from.number} → {trace.dialled}
            </Text>
            <Group gap="sm">
              <Text size="sm" c="dimmed">
                {formatDateTime(trace.started_at, language)}
              </Text>
              <Text size="sm" component="div">
                <Outcome head={trace} />
              </Text>
            </Group>
          </Paper>
          <Outcomes outcomes={trace.outcomes} />
          <SegmentedControl
            style={{ alignSelf: "flex-start" }}
            aria-label={t("trace.shown")}
            value={shown}
            onChange={setShown}
            data={[
              { value: "all", label: t("trace.everything") },
              { value: "decision", label: t("trace.decisions") },
              { value: "message", label: t("trace.messages") },
            ]}
          />
          <Ladder
            entries={trace.entries.filter((e) => shown === "all" || e.kind === shown)}
            since={trace.started_at}
          />
        </>
      )}
    </Page>
  );
}
