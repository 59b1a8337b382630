import { useApi, type AdminPerson } from "@klapka/kit/api";
import { PersonAvatar } from "@klapka/kit/ui";
import { Button, Group, Text } from "@mantine/core";
import { IconPencil, IconPlus, IconTrash, IconUsers } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { ConfirmDelete } from "../parts/ConfirmDelete.tsx";
import { List } from "../parts/List.tsx";
import { Page } from "../parts/Page.tsx";
import { RowActions } from "../parts/RowActions.tsx";
import { useSave } from "../parts/useSave.ts";
import { EnabledBadge } from "../parts/Words.tsx";
import { PersonForm } from "./PersonForm.tsx";

/** Everybody with an account. */
export function PeoplePage() {
  const { t } = useTranslation("admin");
  const api = useApi();
  const query = api.query.useQuery("get", "/api/admin/people");
  const [edited, setEdited] = useState<AdminPerson | "new" | null>(null);
  const [doomed, setDoomed] = useState<AdminPerson | null>(null);
  const removal = useSave();
  const remove = async (person: AdminPerson) => {
    const work = () =>
      api.http.DELETE("/api/admin/people/{id}", { params: { path: { id: person.id } } });
    if (await removal.run(work, t("people.deleted", { name: nameOf(person) }))) setDoomed(null);
  };
  return (
    <Page
      title={t("people.title")}
      text={t("people.hint")}
      action={
        <Button leftSection={<IconPlus size={18} aria-hidden />} onClick={() => setEdited("new")}>
          {t("people.add")}
        </Button>
      }
    >
      <List
        label={t("people.title")}
        query={query}
        idOf={(p) => p.id}
        textsOf={(p) => [p.first_name, p.last_name, p.email, p.extension ?? ""]}
        empty={{ icon: <IconUsers size={30} />, title: t("people.none") }}
        columns={[
          {
            accessor: "last_name",
            title: t("people.name"),
            sortable: true,
            render: (p) => (
              <Group gap="sm" wrap="nowrap">
                <PersonAvatar name={nameOf(p)} size={32} />
                <div>
                  <Text size="sm" fw={500}>
                    {nameOf(p)}
                  </Text>
                  <Text size="xs" c="dimmed">
                    {p.email}
                  </Text>
                </div>
              </Group>
            ),
          },
          { accessor: "extension", title: t("people.extension"), sortable: true },
          {
            accessor: "role",
            title: t("people.role"),
            sortable: true,
            render: (p) => t(`role.${p.role}`),
          },
          {
            accessor: "disabled",
            title: t("list.state"),
            sortable: true,
            render: (p) => <EnabledBadge disabled={p.disabled} />,
          },
          {
            accessor: "actions",
            title: t("list.actionsTitle"),
            textAlign: "right",
            width: 110,
            render: (p) => (
              <RowActions
                name={nameOf(p)}
                actions={[
                  {
                    label: t("list.edit"),
                    icon: <IconPencil size={16} aria-hidden />,
                    onClick: () => setEdited(p),
                  },
                  {
                    label: t("list.delete"),
                    icon: <IconTrash size={16} aria-hidden />,
                    danger: true,
                    onClick: () => {
                      removal.reset();
                      setDoomed(p);
                    },
                  },
                ]}
              />
            ),
          },
        ]}
      />
      {edited && (
        <PersonForm person={edited === "new" ? null : edited} onClose={() => setEdited(null)} />
      )}
      <ConfirmDelete
        name={doomed && nameOf(doomed)}
        text={t("people.deleteText")}
        error={removal.error}
        pending={removal.pending}
        onConfirm={() => doomed && void remove(doomed)}
        onClose={() => setDoomed(null)}
      />
    </Page>
  );
}

function nameOf(person: AdminPerson): string {
  return `${person.first_name} ${person.last_name}`.trim();
}
