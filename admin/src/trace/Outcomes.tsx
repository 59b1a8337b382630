import type { Trace } from "@klapka/kit/api";
import { Paper, Table, Text, Title } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useDeviceName } from "../parts/useDeviceName.ts";

/** Of everything the call could have rung: whether it did, and if not, why. */
export function Outcomes({ outcomes }: { outcomes: Trace["outcomes"] }) {
  const { t, i18n } = useTranslation("admin");
  const deviceName = useDeviceName();
  if (outcomes.length === 0) return null;
  const words = (verdict: string) => {
    const key = `verdict.${verdict}`;
    return i18n.exists(`admin:${key}`) ? i18n.t(`admin:${key}` as "admin:verdict.failed") : verdict;
  };
  return (
    <Paper withBorder p="md">
      <Title order={2} size="h4" mb="xs">
        {t("trace.outcomes")}
      </Title>
      <Table verticalSpacing="xs">
        <Table.Tbody>
          {outcomes.map((outcome, index) => (
            <Table.Tr key={index}>
              <Table.Th scope="row" fw={500}>
                {outcome.extension} {outcome.name}
                <Text size="sm" c="dimmed">
                  {outcome.device === ""
                    ? t("trace.outcomeWhole")
                    : deviceName(outcome.device) || outcome.params.username}
                </Text>
              </Table.Th>
              <Table.Td>{words(outcome.verdict)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Paper>
  );
}
