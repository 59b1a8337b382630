import { useApi, type Device, type DeviceSecret } from "@klapka/kit/api";
import { Badge, Button } from "@mantine/core";
import {
  IconAntenna,
  IconAntennaOff,
  IconDeviceLandlinePhone,
  IconKey,
  IconPencil,
  IconPlus,
  IconTrash,
} from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ConfirmDelete } from "../parts/ConfirmDelete.tsx";
import { List } from "../parts/List.tsx";
import { Page } from "../parts/Page.tsx";
import { RowActions } from "../parts/RowActions.tsx";
import { useSave } from "../parts/useSave.ts";
import { EnabledBadge } from "../parts/Words.tsx";
import { DeviceForm } from "./DeviceForm.tsx";
import { SecretDialog } from "./SecretDialog.tsx";

/** A question that waits for a yes. */
interface Asked {
  device: Device;
  about: "delete" | "renew";
}

/** Every phone with an account of its own. */
export function DevicesPage() {
  const { t } = useTranslation("admin");
  const api = useApi();
  const query = api.query.useQuery("get", "/api/admin/devices");
  const [edited, setEdited] = useState<Device | "new" | null>(null);
  const [asked, setAsked] = useState<Asked | null>(null);
  const [secret, setSecret] = useState<DeviceSecret | null>(null);
  const change = useSave();
  const ask = (device: Device, about: Asked["about"]) => {
    change.reset();
    setAsked({ device, about });
  };
  const confirm = async ({ device, about }: Asked) => {
    const at = { params: { path: { id: device.id } } };
    const remove = () => api.http.DELETE("/api/admin/devices/{id}", at);
    const renew = async () => {
      const { data } = await api.http.POST("/api/admin/devices/{id}/secret", at);
      setSecret(data ?? null);
    };
    const done = t(about === "delete" ? "devices.deleted" : "devices.renewed", {
      name: device.username,
    });
    if (await change.run(about === "delete" ? remove : renew, done)) setAsked(null);
  };
  return (
    <Page
      title={t("devices.title")}
      text={t("devices.hint")}
      action={
        <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setEdited("new")}>
          {t("devices.add")}
        </Button>
      }
    >
      <List
        label={t("devices.title")}
        query={query}
        idOf={(d) => d.id}
        textsOf={(d) => [d.username, d.name, d.extension]}
        empty={{
          icon: <IconDeviceLandlinePhone size={30} />,
          title: t("devices.none"),
          text: t("devices.noneHint"),
        }}
        columns={[
          { accessor: "username", title: t("devices.username"), sortable: true },
          { accessor: "name", title: t("devices.name"), sortable: true },
          { accessor: "extension", title: t("devices.extension"), sortable: true },
          {
            accessor: "registered",
            title: t("devices.registered"),
            sortable: true,
            render: (d) => <RegisteredBadge registered={d.registered} />,
          },
          {
            accessor: "disabled",
            title: t("list.state"),
            sortable: true,
            render: (d) => <EnabledBadge disabled={d.disabled} />,
          },
          {
            accessor: "actions",
            title: t("list.actionsTitle"),
            textAlign: "right",
            width: 110,
            render: (d) => (
              <RowActions
                name={d.username}
                actions={[
                  {
                    label: t("list.edit"),
                    icon: <IconPencil size={16} aria-hidden />,
                    onClick: () => setEdited(d),
                  },
                  {
                    label: t("devices.renew"),
                    icon: <IconKey size={16} aria-hidden />,
                    onClick: () => ask(d, "renew"),
                  },
                  {
                    label: t("list.delete"),
                    icon: <IconTrash size={16} aria-hidden />,
                    danger: true,
                    onClick: () => ask(d, "delete"),
                  },
                ]}
              />
            ),
          },
        ]}
      />
      {edited && (
        <DeviceForm
          device={edited === "new" ? null : edited}
          onCreated={setSecret}
          onClose={() => setEdited(null)}
        />
      )}
      <SecretDialog secret={secret} onClose={() => setSecret(null)} />
      <ConfirmDelete
        name={asked && `${asked.device.username} · ${asked.device.name}`}
        text={asked?.about === "renew" ? t("devices.renewText") : t("devices.deleteText")}
        verb={asked?.about === "renew" ? t("devices.renew") : t("list.delete")}
        error={change.error}
        pending={change.pending}
        onConfirm={() => asked && void confirm(asked)}
        onClose={() => setAsked(null)}
      />
    </Page>
  );
}

function RegisteredBadge({ registered }: { registered: boolean }) {
  const { t } = useTranslation("admin");
  const Icon = registered ? IconAntenna : IconAntennaOff;
  return (
    <Badge
      variant="light"
      color={registered ? "green" : "gray"}
      leftSection={<Icon size={14} aria-hidden />}
    >
      {registered ? t("devices.yes") : t("devices.no")}
    </Badge>
  );
}
