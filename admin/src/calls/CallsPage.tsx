import { useApi, type LiveCall } from "@klapka/kit/api";
import { Elapsed } from "@klapka/kit/ui";
import { Button, Group } from "@mantine/core";
import { IconPhoneCall, IconPhoneOff, IconRoute } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ConfirmDelete } from "../parts/ConfirmDelete.tsx";
import { List } from "../parts/List.tsx";
import { Page } from "../parts/Page.tsx";
import { useSave } from "../parts/useSave.ts";
import { PeerText } from "../parts/Words.tsx";
import { useLiveCalls } from "./useLiveCalls.ts";

/** Every call there is at this moment. */
export function CallsPage() {
  const { t } = useTranslation("admin");
  const api = useApi();
  const query = useLiveCalls();
  const [doomed, setDoomed] = useState<LiveCall | null>(null);
  const ending = useSave();
  const end = async ({ call }: LiveCall) => {
    const work = () => api.http.DELETE("/api/admin/calls/{call}", { params: { path: { call } } });
    if (await ending.run(work, t("calls.ended"))) setDoomed(null);
  };
  return (
    <Page title={t("calls.title")} text={t("calls.hint")}>
      <List
        label={t("calls.title")}
        query={query}
        idOf={(c) => c.call}
        empty={{ icon: <IconPhoneCall size={30} />, title: t("calls.none") }}
        columns={[
          { accessor: "from", title: t("calls.from"), render: (c) => <PeerText peer={c.from} /> },
          { accessor: "to", title: t("calls.to"), render: (c) => <PeerText peer={c.to} /> },
          { accessor: "state", title: t("list.state"), render: (c) => t(`callState.${c.state}`) },
          {
            accessor: "legs",
            title: t("calls.sound"),
            render: (c) => {
              const mos = worst(c);
              return mos > 0 ? t("calls.mos", { mos: mos.toFixed(1) }) : "";
            },
          },
          {
            accessor: "started_at",
            title: t("calls.since"),
            render: (c) => <Elapsed since={c.answered_at ?? c.started_at} />,
          },
          {
            accessor: "actions",
            title: t("list.actionsTitle"),
            textAlign: "right",
            render: (c) => (
              <Group gap="xs" justify="flex-end" wrap="nowrap">
                <Button
                  size="xs"
                  variant="default"
                  leftSection={<IconRoute size={16} aria-hidden />}
                  renderRoot={(p) => <Link to="/trace/$call" params={{ call: c.call }} {...p} />}
                >
                  {t("calls.why")}
                </Button>
                <Button
                  size="xs"
                  variant="light"
                  color="red"
                  leftSection={<IconPhoneOff size={16} aria-hidden />}
                  onClick={() => {
                    ending.reset();
                    setDoomed(c);
                  }}
                >
                  {t("calls.end")}
                </Button>
              </Group>
            ),
          },
        ]}
      />
      <ConfirmDelete
        name={doomed && `${nameOf(doomed.from)} → ${nameOf(doomed.to)}`}
        text={t("calls.endText")}
        verb={t("calls.end")}
        error={ending.error}
        pending={ending.pending}
        onConfirm={() => doomed && void end(doomed)}
        onClose={() => setDoomed(null)}
      />
    </Page>
  );
}

/** The worst score of any party in any direction; 0: nothing was measured. */
function worst({ legs }: LiveCall): number {
  const all = legs.flatMap((l) => [l.quality.from.mos, l.quality.to.mos]).filter((mos) => mos > 0);
  return all.length > 0 ? Math.min(...all) : 0;
}

function nameOf({ name, number }: LiveCall["from"]): string {
  return name || number;
}
