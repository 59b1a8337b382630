import { useApi, type Extension, type ExtensionInput } from "@klapka/kit/api";
import { languages } from "@klapka/kit/i18n";
import { Select, Switch, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { FormDrawer } from "../parts/FormDrawer.tsx";
import { useSave } from "../parts/useSave.ts";

/** The form's fields; an empty language is the person's or the company's. */
type ExtensionValues = Required<ExtensionInput> & { user_id: string };

/** Adds an extension (null) or changes one; a number that exists is never renamed. */
export function ExtensionForm(props: { extension: Extension | null; onClose: () => void }) {
  const { extension, onClose } = props;
  const { t } = useTranslation(["admin", "kit"]);
  const api = useApi();
  const people = api.query.useQuery("get", "/api/admin/people");
  const form = useForm<ExtensionValues>({
    initialValues: {
      number: extension?.number ?? "",
      name: extension?.name ?? "",
      user_id: extension?.user_id ?? "",
      language: languages.find((l) => l === extension?.language) ?? "",
      disabled: extension?.disabled ?? false,
    },
    validate: { number: (v) => (/^\d{2,10}$/.test(v.trim()) ? null : t("extensions.numberWrong")) },
  });
  const save = useSave(form.setErrors);
  const submit = form.onSubmit(async ({ number, user_id, ...rest }) => {
    const body = { ...rest, user_id: user_id || null };
    const work = () =>
      extension
        ? api.http.PATCH("/api/admin/extensions/{number}", { params: { path: { number } }, body })
        : api.http.POST("/api/admin/extensions", { body: { ...body, number: number.trim() } });
    if (await save.run(work, t("extensions.saved", { number }))) onClose();
  });
  return (
    <FormDrawer
      title={extension ? t("extensions.edit") : t("extensions.add")}
      opened
      pending={save.pending}
      error={save.error}
      onClose={onClose}
      onSubmit={submit}
    >
      <TextInput
        label={t("extensions.number")}
        description={t("extensions.numberHint")}
        inputMode="numeric"
        required
        readOnly={extension !== null}
        data-autofocus={extension === null || undefined}
        {...form.getInputProps("number")}
      />
      <TextInput
        label={t("extensions.name")}
        description={t("extensions.nameHint")}
        {...form.getInputProps("name")}
      />
      <Select
        label={t("extensions.person")}
        searchable
        data={[
          { value: "", label: t("extensions.nobody") },
          ...(people.data ?? []).map((p) => ({
            value: p.id,
            label: `${p.first_name} ${p.last_name}`.trim(),
          })),
        ]}
        allowDeselect={false}
        {...form.getInputProps("user_id")}
      />
      <Select
        label={t("extensions.language")}
        description={t("extensions.languageHint")}
        data={[
          { value: "", label: t("extensions.languageOfPerson") },
          ...languages.map((l) => ({ value: l, label: t(`kit:language.${l}`) })),
        ]}
        allowDeselect={false}
        {...form.getInputProps("language")}
      />
      <Switch
        label={t("extensions.disable")}
        description={t("extensions.disableHint")}
        {...form.getInputProps("disabled", { type: "checkbox" })}
      />
    </FormDrawer>
  );
}
