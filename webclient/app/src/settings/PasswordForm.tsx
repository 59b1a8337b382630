import { Button, Group, PasswordInput, Stack } from "@mantine/core";
import { useForm } from "@mantine/form";
import { notifications } from "@mantine/notifications";
import { ApiError } from "@klapka/kit/api";
import { ErrorNotice } from "@klapka/kit/ui";
import { useTranslation } from "react-i18next";
import { useMe } from "../me.ts";
import { useServices } from "../services.ts";

/** Changes the user's own password. */
export function PasswordForm() {
  const { t } = useTranslation(["app", "kit"]);
  const { api } = useServices();
  const { user } = useMe();
  const form = useForm({ mode: "uncontrolled", initialValues: { old: "", new: "" } });
  const change = api.query.useMutation("post", "/api/me/password", {
    onSuccess: () => {
      form.reset();
      notifications.show({ color: "green", message: t("settings.passwordChanged") });
    },
    onError: (error: unknown) => {
      if (error instanceof ApiError) form.setErrors(error.fields);
    },
  });
  const eye = { "aria-label": t("kit:action.showPassword") };
  return (
    <form onSubmit={form.onSubmit((body) => change.mutate({ body }))}>
      <Stack>
        <ErrorNotice error={change.error} />
        <input type="hidden" autoComplete="username" value={user.email} readOnly />
        <Group grow align="flex-start">
          <PasswordInput
            label={t("settings.oldPassword")}
            autoComplete="current-password"
            visibilityToggleButtonProps={eye}
            required
            key={form.key("old")}
            {...form.getInputProps("old")}
          />
          <PasswordInput
            label={t("settings.newPassword")}
            autoComplete="new-password"
            visibilityToggleButtonProps={eye}
            required
            key={form.key("new")}
            {...form.getInputProps("new")}
          />
        </Group>
        <Group>
          <Button type="submit" variant="light" loading={change.isPending}>
            {t("settings.changePassword")}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}
