import { Button, PasswordInput, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { ApiError } from "@klapka/kit/api";
import { ErrorNotice } from "@klapka/kit/ui";
import { getRouteApi } from "@tanstack/react-router";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useServices } from "../services.ts";
import { EntryFrame } from "./EntryFrame.tsx";
import { useEnter } from "./useEnter.ts";

const route = getRouteApi("/sign-in");

/** Sign-in by number or e-mail. */
export function SignInPage() {
  const { t } = useTranslation(["app", "kit"]);
  const { api } = useServices();
  const { next } = route.useSearch();
  const enter = useEnter();
  const [error, setError] = useState<unknown>(null);
  const [busy, setBusy] = useState(false);
  const form = useForm({
    mode: "uncontrolled",
    initialValues: { login: "", password: "" },
    validate: {
      login: (v) => (v.trim() ? null : t("entry.loginMissing")),
      password: (v) => (v ? null : t("entry.passwordMissing")),
    },
  });
  const submit = form.onSubmit(async ({ login, password }) => {
    setBusy(true);
    setError(null);
    try {
      await api.http.POST("/api/session", { body: { login: login.trim(), password } });
      await enter(next);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  });
  const wrong = error instanceof ApiError && error.status === 401;
  return (
    <EntryFrame title={t("entry.signIn")} text={t("entry.signInHint")}>
      <form onSubmit={submit} noValidate>
        <Stack>
          {wrong ? (
            <ErrorNotice error={new ApiError(409, t("entry.wrong"))} />
          ) : (
            <ErrorNotice error={error} />
          )}
          <TextInput
            label={t("entry.login")}
            autoComplete="username"
            autoCapitalize="none"
            autoFocus
            size="md"
            key={form.key("login")}
            {...form.getInputProps("login")}
          />
          <PasswordInput
            label={t("entry.password")}
            autoComplete="current-password"
            size="md"
            visibilityToggleButtonProps={{ "aria-label": t("kit:action.showPassword") }}
            key={form.key("password")}
            {...form.getInputProps("password")}
          />
          <Button type="submit" size="md" loading={busy}>
            {t("entry.signIn")}
          </Button>
        </Stack>
      </form>
    </EntryFrame>
  );
}
