import { LogoMark } from "@klapka/kit/brand";
import { LanguageSelect, SchemeSelect } from "@klapka/kit/ui";
import { Group, Paper, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Entry.module.css";

/** The frame of the pages in front of the shell: sign-in and set-up. */
export function EntryFrame(props: { title: string; text?: string; children: ReactNode }) {
  const { t } = useTranslation("app");
  return (
    <div className={classes.page}>
      <aside className={classes.side}>
        <Group gap="sm" wrap="nowrap">
          <LogoMark size={44} />
          <Text className={classes.name}>Klapka</Text>
        </Group>
        <Text className={classes.claim}>{t("entry.claim")}</Text>
      </aside>
      <main className={classes.main}>
        <Paper className={classes.card}>
          <Stack gap="lg">
            <div>
              <Title order={1} size="h2">
                {props.title}
              </Title>
              {props.text && (
                <Text c="dimmed" mt={4}>
                  {props.text}
                </Text>
              )}
            </div>
            {props.children}
          </Stack>
        </Paper>
        <Group className={classes.foot} justify="space-between" wrap="nowrap">
          <LanguageSelect />
          <SchemeSelect compact />
        </Group>
      </main>
    </div>
  );
}
