import Link from "next/link";
import type { ReactNode } from "react";

export default function Layout({ children }: { children: ReactNode }) {
  return (
    <html lang="en">
      <body>
        <nav><Link href="/">Chat</Link> <Link href="/room">Room</Link> <Link href="/about">About</Link></nav>
        {children}
      </body>
    </html>
  );
}
