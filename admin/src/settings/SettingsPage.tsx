import { useApi, type Settings } from "@klapka/kit/api";
import { languages } from "@klapka/kit/i18n";
import { ErrorNotice, Waiting } from "@klapka/kit/ui";
import { Button, Group, Paper, Select, Stack, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { Page } from "../parts/Page.tsx";
import { useSave } from "../parts/useSave.ts";

/** The company's own choices. */
export function SettingsPage() {
  const { t } = useTranslation("admin");
  const query = useApi().query.useQuery("get", "/api/admin/settings");
  return (
    <Page title={t("settings.title")}>
      <ErrorNotice error={query.error} onRetry={() => void query.refetch()} />
      {query.isPending && <Waiting />}
      {query.data && <SettingsForm settings={query.data} />}
    </Page>
  );
}

function SettingsForm({ settings }: { settings: Settings }) {
  const { t } = useTranslation(["admin", "kit"]);
  const api = useApi();
  const form = useForm({
    initialValues: { company: settings.company, language: settings.language },
  });
  const save = useSave(form.setErrors);
  const submit = form.onSubmit((body) =>
    save.run(() => api.http.PATCH("/api/admin/settings", { body }), t("settings.saved")),
  );
  return (
    <Paper withBorder p="lg" maw={560}>
      <form onSubmit={submit} noValidate>
        <Stack>
          <ErrorNotice error={save.error} />
          <TextInput label={t("settings.company")} {...form.getInputProps("company")} />
          <Select
            label={t("settings.language")}
            description={t("settings.languageHint")}
            data={languages.map((l) => ({ value: l, label: t(`kit:language.${l}`) }))}
            allowDeselect={false}
            {...form.getInputProps("language")}
          />
          <TextInput
            label={t("settings.realm")}
            description={t("settings.realmHint")}
            value={settings.realm}
            readOnly
          />
          <Group>
            <Button type="submit" loading={save.pending}>
              {t("kit:action.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Paper>
  );
}
