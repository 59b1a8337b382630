import { useApi, type Device, type DeviceSecret } from "@klapka/kit/api";
import { Select, Switch, TextInput } from "@mantine/core";
import { useForm } from "@mantine/form";
import { useTranslation } from "react-i18next";
import { FormDrawer } from "../parts/FormDrawer.tsx";
import { useSave } from "../parts/useSave.ts";

/** Adds a phone (null), whose secret goes to onCreated, or changes one. */
export function DeviceForm(props: {
  device: Device | null;
  onCreated: (secret: DeviceSecret) => void;
  onClose: () => void;
}) {
  const { device, onCreated, onClose } = props;
  const { t } = useTranslation("admin");
  const api = useApi();
  const extensions = api.query.useQuery("get", "/api/admin/extensions");
  const form = useForm({
    initialValues: {
      extension: device?.extension ?? "",
      name: device?.name ?? "",
      encryption: device?.encryption ?? "off",
      disabled: device?.disabled ?? false,
    },
    validate: { extension: (v) => (v ? null : t("devices.extensionMissing")) },
  });
  const save = useSave(form.setErrors);
  const submit = form.onSubmit(async (body) => {
    const work = async () => {
      if (device) {
        await api.http.PATCH("/api/admin/devices/{id}", {
          params: { path: { id: device.id } },
          body: { name: body.name, encryption: body.encryption, disabled: body.disabled },
        });
        return;
      }
      const { data } = await api.http.POST("/api/admin/devices", { body });
      if (data) onCreated(data);
    };
    if (await save.run(work, t("devices.saved", { name: body.name || body.extension }))) onClose();
  });
  return (
    <FormDrawer
      title={device ? t("devices.edit") : t("devices.add")}
      opened
      pending={save.pending}
      error={save.error}
      onClose={onClose}
      onSubmit={submit}
    >
      <Select
        label={t("devices.extension")}
        searchable
        required
        disabled={device !== null}
        data={(extensions.data ?? []).map((e) => ({
          value: e.number,
          label: `${e.number} ${e.name || e.user_name}`.trim(),
        }))}
        {...form.getInputProps("extension")}
      />
      <TextInput
        label={t("devices.name")}
        description={t("devices.nameHint")}
        {...form.getInputProps("name")}
      />
      <Select
        label={t("devices.encryption")}
        description={t("devices.encryptionHint")}
        allowDeselect={false}
        data={[
          { value: "off", label: t("devices.encryptionOff") },
          { value: "prefer", label: t("devices.encryptionPrefer") },
          { value: "require", label: t("devices.encryptionRequire") },
        ]}
        {...form.getInputProps("encryption")}
      />
      <Switch
        label={t("devices.disable")}
        description={t("devices.disableHint")}
        {...form.getInputProps("disabled", { type: "checkbox" })}
      />
    </FormDrawer>
  );
}
