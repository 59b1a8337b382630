import { Button, List, PasswordInput, SimpleGrid, Stack, Text, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { ApiError } from "@klapka/kit/api";
import { useLanguage } from "@klapka/kit/i18n";
import { ErrorNotice } from "@klapka/kit/ui";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useServices } from "../services.ts";
import { EntryFrame } from "./EntryFrame.tsx";
import { useEnter } from "./useEnter.ts";

const route = getRouteApi("/setup");

/** Fewest characters of a password (NIST SP 800-63B §3.1.1.2 asks for length, not for kinds). */
const shortest = 12;

/** The one-time page of a new exchange: its first administrator. */
export function SetupPage() {
  const { t } = useTranslation("app");
  const { token } = route.useSearch();
  if (!token) {
    return (
      <EntryFrame title={t("setup.title")}>
        <Text>{t("setup.noToken")}</Text>
        <List type="ordered" spacing="xs">
          <List.Item>{t("setup.step1")}</List.Item>
          <List.Item>{t("setup.step2")}</List.Item>
        </List>
      </EntryFrame>
    );
  }
  return (
    <EntryFrame title={t("setup.title")} text={t("setup.hint")}>
      <SetupForm token={token} />
    </EntryFrame>
  );
}

function SetupForm({ token }: { token: string }) {
  const { t } = useTranslation(["app", "kit"]);
  const { api } = useServices();
  const language = useLanguage();
  const enter = useEnter();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { first_name: "", last_name: "", extension: "101", email: "", password: "" },
    validate: {
      last_name: (v) => (v.trim() ? null : t("setup.nameMissing")),
      extension: (v) => (/^\d{2,10}$/.test(v.trim()) ? null : t("setup.extensionWrong")),
      email: (v) => (/^\S+@\S+$/.test(v.trim()) ? null : t("setup.emailWrong")),
      password: (v) =>
        v.length >= shortest ? null : t("setup.passwordShort", { count: shortest }),
    },
  });
  const submit = form.onSubmit(async (values) => {
    setBusy(true);
    setError(null);
    const login = values.extension.trim();
    try {
      await api.http.POST("/api/setup", { body: { ...values, token, language } });
      await api.http.POST("/api/session", { body: { login, password: values.password } });
      await enter("/admin/");
    } catch (failure) {
      setError(failure);
      if (failure instanceof ApiError) form.setErrors(failure.fields);
    } finally {
      setBusy(false);
    }
  });
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <ErrorNotice error={error} />
        <SimpleGrid cols={{ base: 1, xs: 2 }}>
          <TextInput
            label={t("setup.firstName")}
            autoComplete="given-name"
            autoFocus
            key={form.key("first_name")}
            {...form.getInputProps("first_name")}
          />
          <TextInput
            label={t("setup.lastName")}
            autoComplete="family-name"
            key={form.key("last_name")}
            {...form.getInputProps("last_name")}
          />
        </SimpleGrid>
        <TextInput
          label={t("setup.email")}
          type="email"
          autoComplete="email"
          key={form.key("email")}
          {...form.getInputProps("email")}
        />
        <TextInput
          label={t("setup.extension")}
          description={t("setup.extensionHint")}
          inputMode="numeric"
          autoComplete="off"
          key={form.key("extension")}
          {...form.getInputProps("extension")}
        />
        <PasswordInput
          label={t("entry.password")}
          description={t("setup.passwordHint", { count: shortest })}
          autoComplete="new-password"
          visibilityToggleButtonProps={{ "aria-label": t("kit:action.showPassword") }}
          key={form.key("password")}
          {...form.getInputProps("password")}
        />
        <Button type="submit" size="md" loading={busy}>
          {t("setup.create")}
        </Button>
      </Stack>
    </form>
  );
}
