// The style sheets the portal needs beyond those of the kit, in the order of the
// library's own whole sheet, on which precedence depends.
import "@mantine/core/styles/Flex.css";
import "@mantine/core/styles/Anchor.css";
import "@mantine/core/styles/InlineInput.css";
import "@mantine/core/styles/CheckboxCard.css";
import "@mantine/core/styles/CheckboxIndicator.css";
import "@mantine/core/styles/Checkbox.css";
import "@mantine/core/styles/Burger.css";
import "@mantine/core/styles/Code.css";
import "@mantine/core/styles/Drawer.css";
import "@mantine/core/styles/Pagination.css";
import "@mantine/core/styles/Switch.css";
import "mantine-datatable/styles.css";
