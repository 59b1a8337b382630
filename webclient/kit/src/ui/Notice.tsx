import { Alert, Button, Center, Loader, Stack, Text, ThemeIcon, Title } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { ApiError, errorKey } from "../api/problem.ts";

/** The words for a failed request, with the server's own sentence when it is for people. */
export function useErrorText(): (error: unknown) => string {
  const { t } = useTranslation("kit");
  return (error) => {
    // A refusal explains itself ("3 phones still use it"); other texts are ours.
    if (error instanceof ApiError && error.status === 409 && error.message) return error.message;
    return t(errorKey(error));
  };
}

/** Says in place that something could not be loaded or done. */
export function ErrorNotice({ error, onRetry }: { error: unknown; onRetry?: () => void }) {
  const { t } = useTranslation("kit");
  const words = useErrorText();
  if (!error) return null;
  return (
    <Alert role="alert" color="red" variant="light" icon={<IconAlertTriangle aria-hidden />}>
      <Stack gap="xs" align="flex-start">
        <Text size="sm">{words(error)}</Text>
        {onRetry && (
          <Button size="xs" variant="default" onClick={onRetry}>
            {t("action.retry")}
          </Button>
        )}
      </Stack>
    </Alert>
  );
}

/** What stands where a list is empty: why, and what to do about it. */
export function EmptyState(props: {
  icon: ReactNode;
  title: string;
  /** Rank of the title among the page's headings. */
  order?: 1 | 2;
  text?: string;
  action?: ReactNode;
}) {
  return (
    <Center py={56} px="md">
      <Stack align="center" gap="xs" maw={380}>
        <ThemeIcon size={56} radius="xl" variant="light" aria-hidden>
          {props.icon}
        </ThemeIcon>
        <Title order={props.order ?? 2} size="h4" ta="center">
          {props.title}
        </Title>
        {props.text && (
          <Text c="dimmed" ta="center">
            {props.text}
          </Text>
        )}
        {props.action}
      </Stack>
    </Center>
  );
}

/** What stands where something is still on its way. */
export function Waiting() {
  const { t } = useTranslation("kit");
  return (
    <Center py={72} role="status">
      <Loader aria-label={t("action.loading")} />
    </Center>
  );
}
