import { ErrorNotice } from "@klapka/kit/ui";
import { Button, Drawer, Group, Stack } from "@mantine/core";
import type { ReactNode, SubmitEvent } from "react";
import { useTranslation } from "react-i18next";

/** A form at the side of the list it changes. */
export function FormDrawer(props: {
  title: string;
  opened: boolean;
  pending: boolean;
  error: unknown;
  onClose: () => void;
  onSubmit: (event: SubmitEvent<HTMLFormElement>) => void;
  children: ReactNode;
}) {
  const { t } = useTranslation("kit");
  return (
    <Drawer
      position="right"
      size="md"
      opened={props.opened}
      onClose={props.onClose}
      title={props.title}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      <form onSubmit={props.onSubmit} noValidate>
        <Stack>
          <ErrorNotice error={props.error} />
          {props.children}
          <Group justify="flex-end">
            <Button variant="default" onClick={props.onClose}>
              {t("action.cancel")}
            </Button>
            <Button type="submit" loading={props.pending}>
              {t("action.save")}
            </Button>
          </Group>
        </Stack>
      </form>
    </Drawer>
  );
}
