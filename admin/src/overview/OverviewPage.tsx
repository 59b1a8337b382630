import { useApi } from "@klapka/kit/api";
import { Elapsed, ErrorNotice } from "@klapka/kit/ui";
import { Group, Paper, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import {
  IconAntenna,
  IconBan,
  IconPhoneCall,
  IconUsers,
  type IconProps,
} from "@tabler/icons-react";
import { Link } from "@tanstack/react-router";
import type { ComponentType } from "react";
import { useTranslation } from "react-i18next";
import { useLiveCalls } from "../calls/useLiveCalls.ts";
import { Page } from "../parts/Page.tsx";
import { PeerText } from "../parts/Words.tsx";
import classes from "./Overview.module.css";

/** How often the figures are looked at again, in milliseconds. */
const refresh = { refetchInterval: 10_000 };

/** The exchange at a glance, and the ways to what stands out. */
export function OverviewPage() {
  const { t } = useTranslation("admin");
  const { query } = useApi();
  const calls = useLiveCalls();
  const devices = query.useQuery("get", "/api/admin/devices", undefined, refresh);
  const people = query.useQuery("get", "/api/admin/people", undefined, refresh);
  const bans = query.useQuery("get", "/api/admin/bans", undefined, refresh);
  const inUse = devices.data?.filter((d) => !d.disabled);
  const registered = inUse?.filter((d) => d.registered).length;
  return (
    <Page title={t("overview.title")}>
      <ErrorNotice error={calls.error ?? devices.error ?? people.error ?? bans.error} />
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Tile to="/calls" icon={IconPhoneCall} label={t("nav.calls")} value={calls.data?.length} />
        <Tile
          to="/registrations"
          icon={IconAntenna}
          label={t("overview.registered")}
          value={registered}
          of={inUse?.length}
        />
        <Tile to="/people" icon={IconUsers} label={t("nav.people")} value={people.data?.length} />
        <Tile to="/bans" icon={IconBan} label={t("nav.bans")} value={bans.data?.length} />
      </SimpleGrid>
      <RunningCalls />
    </Page>
  );
}

function Tile(props: {
  to: "/calls" | "/registrations" | "/people" | "/bans";
  icon: ComponentType<IconProps>;
  label: string;
  value: number | undefined;
  of?: number | undefined;
}) {
  const { icon: Icon } = props;
  return (
    <Link to={props.to} className={classes.tile}>
      <Group justify="space-between" wrap="nowrap">
        <Text size="sm" c="dimmed">
          {props.label}
        </Text>
        <Icon size={20} className={classes.icon} aria-hidden />
      </Group>
      <span className={`k-digits ${classes.value ?? ""}`}>
        {props.value ?? "–"}
        {props.of !== undefined && <small> / {props.of}</small>}
      </span>
    </Link>
  );
}

function RunningCalls() {
  const { t } = useTranslation("admin");
  const calls = useLiveCalls();
  return (
    <Paper withBorder p="md">
      <Stack gap="xs">
        <Title order={2} size="h4">
          {t("calls.title")}
        </Title>
        {calls.data?.length === 0 && <Text c="dimmed">{t("calls.none")}</Text>}
        {calls.data && calls.data.length > 0 && (
          <Table verticalSpacing="xs" aria-label={t("calls.title")}>
            <Table.Tbody>
              {calls.data.slice(0, 10).map((c) => (
                <Table.Tr key={c.call}>
                  <Table.Td>
                    <PeerText peer={c.from} />
                  </Table.Td>
                  <Table.Td>
                    <PeerText peer={c.to} />
                  </Table.Td>
                  <Table.Td>{t(`callState.${c.state}`)}</Table.Td>
                  <Table.Td ta="right">
                    <Elapsed since={c.answered_at ?? c.started_at} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        )}
      </Stack>
    </Paper>
  );
}
