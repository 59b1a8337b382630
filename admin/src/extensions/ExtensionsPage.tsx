import { useApi, type Extension } from "@klapka/kit/api";
import { Button } from "@mantine/core";
import { IconHash, IconPencil, IconPlus, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ConfirmDelete } from "../parts/ConfirmDelete.tsx";
import { List } from "../parts/List.tsx";
import { Page } from "../parts/Page.tsx";
import { RowActions } from "../parts/RowActions.tsx";
import { useSave } from "../parts/useSave.ts";
import { EnabledBadge } from "../parts/Words.tsx";
import { ExtensionForm } from "./ExtensionForm.tsx";

/** Every internal number. */
export function ExtensionsPage() {
  const { t } = useTranslation("admin");
  const api = useApi();
  const query = api.query.useQuery("get", "/api/admin/extensions");
  const [edited, setEdited] = useState<Extension | "new" | null>(null);
  const [doomed, setDoomed] = useState<Extension | null>(null);
  const removal = useSave();
  const remove = async ({ number }: Extension) => {
    const work = () =>
      api.http.DELETE("/api/admin/extensions/{number}", { params: { path: { number } } });
    if (await removal.run(work, t("extensions.deleted", { number }))) setDoomed(null);
  };
  return (
    <Page
      title={t("extensions.title")}
      text={t("extensions.hint")}
      action={
        <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setEdited("new")}>
          {t("extensions.add")}
        </Button>
      }
    >
      <List
        label={t("extensions.title")}
        query={query}
        idOf={(e) => e.number}
        textsOf={(e) => [e.number, e.name, e.user_name]}
        empty={{ icon: <IconHash size={30} />, title: t("extensions.none") }}
        columns={[
          { accessor: "number", title: t("extensions.number"), sortable: true, width: 110 },
          { accessor: "name", title: t("extensions.name"), sortable: true },
          { accessor: "user_name", title: t("extensions.person"), sortable: true },
          {
            accessor: "devices",
            title: t("extensions.devices"),
            sortable: true,
            textAlign: "right",
          },
          {
            accessor: "disabled",
            title: t("list.state"),
            sortable: true,
            render: (e) => <EnabledBadge disabled={e.disabled} />,
          },
          {
            accessor: "actions",
            title: t("list.actionsTitle"),
            textAlign: "right",
            width: 110,
            render: (e) => (
              <RowActions
                name={e.number}
                actions={[
                  {
                    label: t("list.edit"),
                    icon: <IconPencil size={16} aria-hidden />,
                    onClick: () => setEdited(e),
                  },
                  {
                    label: t("list.delete"),
                    icon: <IconTrash size={16} aria-hidden />,
                    danger: true,
                    onClick: () => {
                      removal.reset();
                      setDoomed(e);
                    },
                  },
                ]}
              />
            ),
          },
        ]}
      />
      {edited && (
        <ExtensionForm
          extension={edited === "new" ? null : edited}
          onClose={() => setEdited(null)}
        />
      )}
      <ConfirmDelete
        name={doomed && t("extensions.one", { number: doomed.number })}
        text={t("extensions.deleteText")}
        error={removal.error}
        pending={removal.pending}
        onConfirm={() => doomed && void remove(doomed)}
        onClose={() => setDoomed(null)}
      />
    </Page>
  );
}
