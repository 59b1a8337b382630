import { useApi, type Ban } from "@klapka/kit/api";
import { formatDateTime, useLanguage } from "@klapka/kit/i18n";
import { Button } from "@mantine/core";
import { IconBan } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { ErrorNotice } from "@klapka/kit/ui";
import { List } from "../parts/List.tsx";
import { Page } from "../parts/Page.tsx";
import { useReasonWords } from "../trace/words.ts";
import { useSave } from "../parts/useSave.ts";

/** The addresses that are not listened to, and why. */
export function BansPage() {
  const { t } = useTranslation("admin");
  const language = useLanguage();
  const api = useApi();
  const query = api.query.useQuery("get", "/api/admin/bans", undefined, {
    refetchInterval: 10_000,
  });
  const reasonWords = useReasonWords();
  const lifting = useSave();
  const lift = ({ address }: Ban) =>
    lifting.run(
      () => api.http.DELETE("/api/admin/bans/{address}", { params: { path: { address } } }),
      t("bans.lifted", { address }),
    );
  return (
    <Page title={t("bans.title")} text={t("bans.hint")}>
      <ErrorNotice error={lifting.error} />
      <List
        label={t("bans.title")}
        query={query}
        idOf={(b) => b.address}
        textsOf={(b) => [b.address, b.reason]}
        empty={{ icon: <IconBan size={30} />, title: t("bans.none"), text: t("bans.noneHint") }}
        columns={[
          { accessor: "address", title: t("bans.address"), sortable: true },
          {
            accessor: "reason",
            title: t("bans.reason"),
            sortable: true,
            render: (b) => reasonWords(b.reason),
          },
          {
            accessor: "since",
            title: t("bans.since"),
            sortable: true,
            render: (b) => formatDateTime(b.since, language),
          },
          {
            accessor: "until",
            title: t("bans.until"),
            sortable: true,
            render: (b) => formatDateTime(b.until, language),
          },
          {
            accessor: "actions",
            title: t("list.actionsTitle"),
            textAlign: "right",
            render: (b) => (
              <Button
                size="xs"
                variant="default"
                loading={lifting.pending}
                aria-label={t("bans.liftOne", { address: b.address })}
                onClick={() => void lift(b)}
              >
                {t("bans.lift")}
              </Button>
            ),
          },
        ]}
      />
    </Page>
  );
}
