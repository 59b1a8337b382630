import { Input, Paper, Stack, Text, Title } from "@mantine/core";
import { LanguageSelect, SchemeSelect } from "@klapka/kit/ui";
import type { Language } from "@klapka/kit/i18n";
import { useId, type ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useServices } from "../services.ts";
import { AudioSettings } from "./AudioSettings.tsx";
import { PasswordForm } from "./PasswordForm.tsx";
import { SessionList } from "./SessionList.tsx";

/** One page of everything a person chooses for themselves. */
export function SettingsPage() {
  const { t } = useTranslation(["app", "kit"]);
  const { api } = useServices();
  // The page has switched already; the exchange only remembers it for prompts.
  const remember = (language: Language) =>
    void api.http.PATCH("/api/me", { body: { language } }).catch(() => undefined);
  return (
    <Stack maw={760} mx="auto" gap="lg">
      <Title order={1} size="h2">
        {t("settings.title")}
      </Title>
      <Section title={t("settings.audio")} text={t("settings.audioHint")}>
        <AudioSettings />
      </Section>
      <Section title={t("settings.look")}>
        <LanguageSelect label={t("kit:look.language")} onPick={remember} />
        <Input.Wrapper label={t("kit:look.scheme")} labelElement="div">
          <div>
            <SchemeSelect />
          </div>
        </Input.Wrapper>
      </Section>
      <Section title={t("settings.password")}>
        <PasswordForm />
      </Section>
      <Section title={t("settings.sessions")} text={t("settings.sessionsHint")}>
        <SessionList />
      </Section>
    </Stack>
  );
}

function Section(props: { title: string; text?: string; children: ReactNode }) {
  const id = useId();
  return (
    <Paper withBorder p="lg" component="section" aria-labelledby={id}>
      <Stack>
        <div>
          <Title order={2} size="h4" id={id}>
            {props.title}
          </Title>
          {props.text && (
            <Text c="dimmed" size="sm">
              {props.text}
            </Text>
          )}
        </div>
        {props.children}
      </Stack>
    </Paper>
  );
}
