import { Kbd, Modal, Table } from "@mantine/core";
import { useHotkeys } from "@mantine/hooks";
import { useTranslation } from "react-i18next";

const keys = [
  [["/"], "search"],
  [["Enter"], "answer"],
  [["Esc"], "decline"],
  [["M"], "mute"],
  [["H"], "hold"],
  [["X"], "hangUp"],
  [["G", "P"], "people"],
  [["G", "H"], "history"],
  [["G", "S"], "settings"],
  [["?"], "help"],
] as const;

/** The keys there are; ? opens it from anywhere. */
export function KeysHelp(props: { opened: boolean; onOpen: () => void; onClose: () => void }) {
  const { t } = useTranslation(["app", "kit"]);
  useHotkeys([["shift+?", props.onOpen, { usePhysicalKeys: false }]]);
  return (
    <Modal
      opened={props.opened}
      onClose={props.onClose}
      title={t("account.keys")}
      closeButtonProps={{ "aria-label": t("kit:action.close") }}
    >
      <Table>
        <Table.Tbody>
          {keys.map(([combination, action]) => (
            <Table.Tr key={action}>
              <Table.Th w={110} scope="row">
                {combination.map((key) => (
                  <Kbd key={key} me={4}>
                    {key === "Enter" ? t("keys.enter") : key === "Esc" ? t("keys.escape") : key}
                  </Kbd>
                ))}
              </Table.Th>
              <Table.Td>{t(`keys.${action}`)}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Modal>
  );
}
