import { Room } from "../Room";

export default function Page() {
  return <Room room="blue" />;
}
