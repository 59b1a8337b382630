import { ErrorNotice } from "@klapka/kit/ui";
import { Button, Group, Modal, Stack, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";

/** Asks before something is gone for good, and says why when it is refused. */
export function ConfirmDelete(props: {
  /** What is to go, or null while nothing is asked. */
  name: string | null;
  text: string;
  /** The word on the button, if it is not "Delete". */
  verb?: string;
  error: unknown;
  pending: boolean;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation(["admin", "kit"]);
  return (
    <Modal
      opened={props.name !== null}
      onClose={props.onClose}
      title={props.name ?? ""}
      closeButtonProps={{ "aria-label": t("kit:action.close") }}
    >
      <Stack>
        <Text>{props.text}</Text>
        <ErrorNotice error={props.error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={props.onClose}>
            {t("kit:action.cancel")}
          </Button>
          <Button color="red" loading={props.pending} onClick={props.onConfirm}>
            {props.verb ?? t("list.delete")}
          </Button>
        </Group>
      </Stack>
    </Modal>
  );
}
