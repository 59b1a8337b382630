import type { DeviceSecret } from "@klapka/kit/api";
import {
  ActionIcon,
  Alert,
  Button,
  Center,
  Code,
  CopyButton,
  Group,
  Modal,
  Stack,
  Table,
} from "@mantine/core";
import { IconCheck, IconCopy, IconEyeOff } from "@tabler/icons-react";
import { QRCodeSVG } from "qrcode.react";
import { useTranslation } from "react-i18next";
import classes from "./SecretDialog.module.css";

/** What a new phone has to be told. The exchange forgets the secret at once. */
export function SecretDialog(props: { secret: DeviceSecret | null; onClose: () => void }) {
  const { t } = useTranslation(["admin", "kit"]);
  const { secret } = props;
  return (
    <Modal
      opened={secret !== null}
      onClose={props.onClose}
      title={t("secret.title")}
      closeOnClickOutside={false}
      closeButtonProps={{ "aria-label": t("kit:action.close") }}
    >
      {secret && (
        <Stack>
          <Alert color="yellow" icon={<IconEyeOff aria-hidden />}>
            {t("secret.once")}
          </Alert>
          <Table>
            <Table.Tbody>
              <Fact label={t("secret.server")} value={secret.server} />
              <Fact label={t("secret.username")} value={secret.device.username} />
              <Fact label={t("secret.secret")} value={secret.secret} />
            </Table.Tbody>
          </Table>
          <Center className={classes.qr}>
            <QRCodeSVG value={sipAccount(secret)} size={168} title={t("secret.qr")} role="img" />
          </Center>
          <Button onClick={props.onClose}>{t("secret.done")}</Button>
        </Stack>
      )}
    </Modal>
  );
}

/** The account as a SIP URI with the secret in its user part (RFC 3261 §19.1.1). */
export function sipAccount({ device, secret, server }: DeviceSecret): string {
  return `sip:${device.username}:${encodeURIComponent(secret)}@${server}`;
}

function Fact({ label, value }: { label: string; value: string }) {
  const { t } = useTranslation("admin");
  return (
    <Table.Tr>
      <Table.Th scope="row">{label}</Table.Th>
      <Table.Td>
        <Group gap="xs" justify="space-between" wrap="nowrap">
          <Code className={classes.value}>{value}</Code>
          <CopyButton value={value}>
            {({ copied, copy }) => (
              <ActionIcon aria-label={t("secret.copy", { what: label })} onClick={copy}>
                {copied ? <IconCheck size={18} aria-hidden /> : <IconCopy size={18} aria-hidden />}
              </ActionIcon>
            )}
          </CopyButton>
        </Group>
      </Table.Td>
    </Table.Tr>
  );
}
