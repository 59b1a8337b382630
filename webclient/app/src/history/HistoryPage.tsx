import {
  Button,
  Center,
  Paper,
  SegmentedControl,
  Stack,
  TextInput,
  Title,
  Group,
} from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconHistory, IconSearch } from "@tabler/icons-react";
import { EmptyState, ErrorNotice, Waiting } from "@klapka/kit/ui";
import { getRouteApi, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { HistoryRow } from "./HistoryRow.tsx";
import { useHistoryPages } from "./useHistoryPages.ts";
import classes from "./History.module.css";

const route = getRouteApi("/shell/history");

/** Which calls the list shows. */
export const directions = ["all", "missed", "incoming", "outgoing"] as const;

/** The user's own calls (Y-30), by kind (Y-32) and by name or number (Y-33). */
export function HistoryPage() {
  const { t } = useTranslation("app");
  const { direction = "all", search = "" } = route.useSearch();
  const navigate = useNavigate({ from: "/history" });
  const [text, setText] = useState(search);
  const [settled] = useDebouncedValue(text, 250);
  useEffect(() => {
    void navigate({
      search: (now) => ({ ...now, search: settled || undefined }),
      replace: true,
    });
  }, [settled, navigate]);
  const pages = useHistoryPages(direction, search);
  const items = pages.data?.pages.flatMap((p) => p.items) ?? [];
  return (
    <Stack maw={1000} mx="auto">
      <Group justify="space-between">
        <Title order={1} size="h2">
          {t("history.title")}
        </Title>
        <TextInput
          type="search"
          className={classes.search}
          aria-label={t("history.search")}
          placeholder={t("history.search")}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
      </Group>
      <SegmentedControl
        className={classes.kinds}
        size="sm"
        aria-label={t("history.kind")}
        value={direction}
        onChange={(value) => {
          const chosen = directions.find((d) => d === value);
          void navigate({
            search: (now) => ({ ...now, direction: chosen === "all" ? undefined : chosen }),
          });
        }}
        data={directions.map((value) => ({ value, label: t(`history.${value}`) }))}
      />
      <Paper withBorder>
        {pages.isPending && <Waiting />}
        {pages.isError && <ErrorNotice error={pages.error} onRetry={() => void pages.refetch()} />}
        <Stack gap={0} component="ul" p={0} m={0} aria-label={t("history.title")}>
          {items.map((item) => (
            <HistoryRow key={item.call} item={item} />
          ))}
        </Stack>
        {pages.isSuccess && items.length === 0 && (
          <EmptyState
            icon={<IconHistory size={30} />}
            title={t("history.none")}
            text={t("history.noneHint")}
          />
        )}
        {pages.hasNextPage && (
          <Center p="md">
            <Button
              variant="default"
              loading={pages.isFetchingNextPage}
              onClick={() => void pages.fetchNextPage()}
            >
              {t("history.more")}
            </Button>
          </Center>
        )}
      </Paper>
    </Stack>
  );
}
