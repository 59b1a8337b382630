import type { CallRecord, LegRecord } from "@klapka/kit/api";
import { formatDateTime, formatDuration, useLanguage } from "@klapka/kit/i18n";
import { Button, Drawer, Paper, Stack, Table, Text, Title } from "@mantine/core";
import { IconRoute } from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import { useTranslation } from "react-i18next";
import { useDeviceName } from "../parts/useDeviceName.ts";

/** One call leg by leg: who was rung where, how it ended, what the sound was like. */
export function RecordDetail(props: { record: CallRecord | null; onClose: () => void }) {
  const { t } = useTranslation(["admin", "kit"]);
  const language = useLanguage();
  const { record } = props;
  return (
    <Drawer
      position="right"
      size="lg"
      opened={record !== null}
      onClose={props.onClose}
      title={t("records.one")}
      closeButtonProps={{ "aria-label": t("kit:action.close") }}
    >
      {record && (
        <Stack>
          <Text>
            {record.from.name || record.from.number} → {record.answered_by?.name ?? record.dialled}
            <br />
            <Text span c="dimmed" size="sm">
              {formatDateTime(record.started_at, language)} ·{" "}
              {record.cause ? t(`kit:cause.${record.cause.code}`) : t("records.running")}
            </Text>
          </Text>
          {record.legs.map((leg) => (
            <Leg key={leg.leg} leg={leg} />
          ))}
          <Button
            variant="light"
            leftSection={<IconRoute size={18} aria-hidden />}
            renderRoot={(p) => <Link to="/trace/$call" params={{ call: record.call }} {...p} />}
          >
            {t("calls.why")}
          </Button>
        </Stack>
      )}
    </Drawer>
  );
}

function Leg({ leg }: { leg: LegRecord }) {
  const { t } = useTranslation(["admin", "kit"]);
  const deviceName = useDeviceName();
  const lost = leg.packets_lost + leg.packets_received;
  const loss = lost === 0 ? 0 : (leg.packets_lost / lost) * 100;
  const score = (mos: number) => (mos > 0 ? t("calls.mos", { mos: mos.toFixed(1) }) : "–");
  const facts: [string, string][] = [
    [t("records.device"), deviceName(leg.device)],
    [t("registrations.userAgent"), leg.user_agent],
    [t("registrations.remote"), leg.remote],
    [t("records.rang"), seconds(leg.started_at, leg.answered_at ?? leg.ended_at)],
    [t("records.talked"), leg.answered_at ? seconds(leg.answered_at, leg.ended_at) : ""],
    [t("records.outcome"), leg.cause ? t(`kit:cause.${leg.cause.code}`) : t("records.running")],
    [t("records.codec"), leg.codec],
    [t("records.loss"), leg.codec && `${loss.toFixed(1)} %`],
    [t("records.jitter"), leg.codec && `${leg.jitter_ms.toFixed(1)} ms`],
    [t("calls.sound"), [leg.quality.from.mos, leg.quality.to.mos].map(score).join(" · ")],
  ];
  return (
    <Paper withBorder p="sm" component="section">
      <Title order={3} size="h5">
        {t(`records.direction.${leg.direction}`)}: {leg.party.name || leg.party.number}
      </Title>
      <Table verticalSpacing={4}>
        <Table.Tbody>
          {facts
            .filter(([, value]) => value)
            .map(([name, value]) => (
              <Table.Tr key={name}>
                <Table.Th scope="row" fw={500} w={140}>
                  {name}
                </Table.Th>
                <Table.Td style={{ overflowWrap: "anywhere" }}>{value}</Table.Td>
              </Table.Tr>
            ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}

function seconds(from: string, to: string | null): string {
  return to ? formatDuration((Date.parse(to) - Date.parse(from)) / 1000) : "";
}
