import Foundation
#if canImport(FoundationXML)
import FoundationXML
#endif

/// An XML document of Object Storage: its root has elements with text, and records of such elements.
final class XMLAnswer: NSObject, XMLParserDelegate {
    private(set) var root = ""
    private(set) var texts: [String: String] = [:]
    private(set) var records: [(name: String, fields: [String: String])] = []

    private var depth = 0
    private var text = ""
    private var record: [String: String] = [:]

    /// - Returns: nil if these bytes are none, or declare entities, which Object Storage never does.
    init?(_ body: Data) {
        let document = String(decoding: body, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        guard document.hasPrefix("<"), !document.contains("<!DOCTYPE") else { return nil }
        super.init()
        let parser = XMLParser(data: Data(document.utf8))
        parser.shouldResolveExternalEntities = false
        parser.shouldProcessNamespaces = true
        parser.delegate = self
        guard parser.parse(), depth == 0 else { return nil }
    }

    func parser(
        _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
        attributes: [String: String]
    ) {
        depth += 1
        if depth == 1 { root = name }
        if depth == 2 { record = [:] }
        text = ""
    }

    func parser(_ parser: XMLParser, foundCharacters found: String) {
        text += found
    }

    func parser(_ parser: XMLParser, foundCDATA found: Data) {
        text += String(decoding: found, as: UTF8.self)
    }

    func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
        if depth == 3 { record[name] = text }
        if depth == 2 && record.isEmpty { texts[name] = text }
        if depth == 2 && !record.isEmpty { records.append((name, record)) }
        depth -= 1
        text = ""
    }
}
