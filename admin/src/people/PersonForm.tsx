import { useApi, type AdminPerson, type PersonInput } from "@klapka/kit/api";
import { languages, useLanguage } from "@klapka/kit/i18n";
import { PasswordInput, Select, SimpleGrid, Switch, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { FormDrawer } from "../parts/FormDrawer.tsx";
import { useSave } from "../parts/useSave.ts";

const roles = ["user", "supervisor", "administrator"] as const;

/** Adds a person (null) or changes one. An empty password leaves the old one. */
export function PersonForm({
  person,
  onClose,
}: {
  person: AdminPerson | null;
  onClose: () => void;
}) {
  const { t } = useTranslation(["admin", "kit"]);
  const api = useApi();
  const language = useLanguage();
  const form = useForm({
    initialValues: {
      first_name: person?.first_name ?? "",
      last_name: person?.last_name ?? "",
      email: person?.email ?? "",
      mobile: person?.mobile ?? "",
      role: person?.role ?? "user",
      language: person?.language ?? language,
      extension: person?.extension ?? "",
      disabled: person?.disabled ?? false,
      password: "",
    },
    validate: { last_name: (v) => (v.trim() ? null : t("people.nameMissing")) },
  });
  const save = useSave(form.setErrors);
  const submit = form.onSubmit(async ({ password, extension, ...rest }) => {
    const body: PersonInput = {
      ...rest,
      extension: extension.trim() || null,
      ...(password ? { password } : {}),
    };
    const work = () =>
      person
        ? api.http.PATCH("/api/admin/people/{id}", { params: { path: { id: person.id } }, body })
        : api.http.POST("/api/admin/people", { body });
    const name = `${rest.first_name} ${rest.last_name}`.trim();
    if (await save.run(work, t("people.saved", { name }))) onClose();
  });
  return (
    <FormDrawer
      title={person ? t("people.edit") : t("people.add")}
      opened
      pending={save.pending}
      error={save.error}
      onClose={onClose}
      onSubmit={submit}
    >
      <SimpleGrid cols={2}>
        <TextInput
          label={t("people.firstName")}
          data-autofocus
          {...form.getInputProps("first_name")}
        />
        <TextInput label={t("people.lastName")} required {...form.getInputProps("last_name")} />
      </SimpleGrid>
      <TextInput label={t("people.email")} type="email" {...form.getInputProps("email")} />
      <TextInput label={t("people.mobile")} type="tel" {...form.getInputProps("mobile")} />
      <TextInput
        label={t("people.extension")}
        description={t("people.extensionHint")}
        inputMode="numeric"
        {...form.getInputProps("extension")}
      />
      <SimpleGrid cols={2}>
        <Select
          label={t("people.role")}
          data={roles.map((r) => ({ value: r, label: t(`role.${r}`) }))}
          allowDeselect={false}
          {...form.getInputProps("role")}
        />
        <Select
          label={t("people.language")}
          data={languages.map((l) => ({ value: l, label: t(`kit:language.${l}`) }))}
          allowDeselect={false}
          {...form.getInputProps("language")}
        />
      </SimpleGrid>
      <PasswordInput
        label={t("people.password")}
        description={person ? t("people.passwordKeep") : t("people.passwordNew")}
        autoComplete="new-password"
        visibilityToggleButtonProps={{ "aria-label": t("kit:action.showPassword") }}
        {...form.getInputProps("password")}
      />
      <Switch
        label={t("people.disable")}
        description={t("people.disableHint")}
        {...form.getInputProps("disabled", { type: "checkbox" })}
      />
    </FormDrawer>
  );
}
