"""One line adds everything to a Scrapy project: ADDONS = {"crawler.addon.Maymine": 300}.

**Facts**
- An add-on sets settings at its own priority: above Scrapy's defaults, below the project's file and the command line
  (Scrapy 2.19, settings/__init__.py: https://github.com/scrapy/scrapy/tree/2.19).
- OURS: ROBOTSTXT_OBEY is switched off over the project's own word, as Permission decides instead, by the same file and more
  strictly; two answers to one question would be one too many.
- OURS: the product token is that of the project's own User-Agent, if it set one; who asks must be who is named.
"""
from __future__ import annotations

import re
from typing import TYPE_CHECKING

from scrapy.settings import SETTINGS_PRIORITIES

from .foreign import Record
from .middlewares import Permission
from .pipelines import Records
from .settings import BOT_NAME, DEFAULTS, user_agent

if TYPE_CHECKING:
    from scrapy.settings import BaseSettings

PRODUCT = re.compile(r"\s*([A-Za-z_-]+)(?:[/ ]|$)")


class Maymine:
    """Scrapy add-on."""

    def update_settings(self, settings: BaseSettings) -> None:
        for name, value in DEFAULTS.items():
            if name not in settings:
                settings.set(name, value, "addon")
        self._name(settings)
        settings.set("ROBOTSTXT_OBEY", False, "cmdline")
        settings.setdefault_in_component_priority_dict("DOWNLOADER_MIDDLEWARES", Record, 30)
        settings.setdefault_in_component_priority_dict("DOWNLOADER_MIDDLEWARES", Permission, 870)
        settings.setdefault_in_component_priority_dict("ITEM_PIPELINES", Records, 100)

    def _name(self, settings: BaseSettings) -> None:
        """Token and User-Agent, each from the other where only one is set."""
        named = (settings.getpriority("USER_AGENT") or 0) > SETTINGS_PRIORITIES["default"]
        product = PRODUCT.match(settings.get("USER_AGENT") or "") if named else None
        if not settings.get("MAYMINE_TOKEN"):
            settings.set("MAYMINE_TOKEN", product[1] if product else BOT_NAME, "addon")
        if not named:
            settings.set("USER_AGENT", user_agent(settings["MAYMINE_TOKEN"], settings["MAYMINE_CONTACT"]), "addon")
