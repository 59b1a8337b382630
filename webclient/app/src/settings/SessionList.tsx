import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { ErrorNotice, Waiting } from "@klapka/kit/ui";
import { formatWhen, useLanguage } from "@klapka/kit/i18n";
import { useTranslation } from "react-i18next";
import { useServices } from "../services.ts";
import { browserName } from "./browserName.ts";

/** Where the user is signed in; each place can be signed out from here. */
export function SessionList() {
  const { t } = useTranslation("app");
  const { api, queries } = useServices();
  const language = useLanguage();
  const sessions = api.query.useQuery("get", "/api/me/sessions");
  const revoke = api.query.useMutation("delete", "/api/me/sessions/{id}", {
    onSettled: () => queries.invalidateQueries({ queryKey: ["get", "/api/me/sessions"] }),
  });
  if (sessions.isPending) return <Waiting />;
  return (
    <Stack gap="xs">
      <ErrorNotice error={sessions.error ?? revoke.error} />
      {sessions.data?.map((session) => (
        <Group key={session.id} justify="space-between" wrap="nowrap">
          <div style={{ minWidth: 0 }}>
            <Text truncate title={session.user_agent}>
              {browserName(session.user_agent)} · {session.address}
            </Text>
            <Text size="sm" c="dimmed">
              {t("settings.seen", { when: formatWhen(session.seen_at, language) })}
            </Text>
          </div>
          {session.current ? (
            <Badge variant="light">{t("settings.thisOne")}</Badge>
          ) : (
            <Button
              size="xs"
              variant="default"
              onClick={() => revoke.mutate({ params: { path: { id: session.id } } })}
            >
              {t("settings.revoke")}
            </Button>
          )}
        </Group>
      ))}
    </Stack>
  );
}
